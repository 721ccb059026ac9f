"""What a class handed in is found, and whose it is; hostile zips harm nothing and end in a sentence."""

import errno
import os
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from course_lib.grading import submissions
from course_lib.grading.roster import Roster
from course_lib.grading.submissions import Work, find_work, latest

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="names and special files of Linux")


@pytest.fixture
def place(tmp_path):
    """The folder of submissions."""
    place = tmp_path / "class"
    place.mkdir()
    return place


@pytest.fixture
def find(place, tmp_path):
    """What is found there."""
    return lambda roster=None: find_work(place, tmp_path / "scratch", roster=roster)


@pytest.fixture
def pack(place):
    """Make a zip of these members: names, or what describes them, and contents."""

    def pack(members, name="a1.zip", method=zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(place / name, "w", method) as archive:
            for member, content in members:
                archive.writestr(member, content)
        return place / name

    return pack


@pytest.fixture
def refused(find, tmp_path):
    """The problem of the only work; nothing is left of it in scratch, and nothing was written elsewhere."""

    def refused() -> str:
        before = everything(tmp_path)
        (work,) = find()
        assert work.problem and work.notebooks == ()
        assert everything(tmp_path) - before <= {tmp_path / "scratch"}
        assert work.problem.isprintable() and work.problem.endswith(".")
        return work.problem

    return refused


def everything(folder: Path) -> set[Path]:
    return {path for place in (folder, folder.parent) for path in place.glob("**/*" if place == folder else "*")}


def write(path: Path, *, at: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    if at:
        os.utime(path, (at, at))
    return path


def roster_of(*ids: str) -> Roster:
    return Roster(("id",), {id: {"id": id} for id in ids})


# ---- what is found


def test_a_notebook_a_folder_and_a_zip_are_a_work_each(place, find, pack, tmp_path):
    write(place / "first.ipynb", at=1000)
    write(place / "second/b/late.ipynb", at=3000)
    write(place / "second/z.IPYNB", at=2000)
    os.utime(pack([("b/two.ipynb", "2"), ("a/one.ipynb", "1"), ("data.csv", "no")], "third.ZIP"), (4000, 4000))
    first, second, third = find()
    assert first == Work("first", "first.ipynb", 1000, (place / "first.ipynb",))
    assert second == Work("second", "second", 3000, (place / "second/b/late.ipynb", place / "second/z.IPYNB"))
    assert (third.learner, third.name, third.handed_in, third.problem) == ("third", "third.ZIP", 4000, "")
    assert [(path.name, path.read_text()) for path in third.notebooks] == [("one.ipynb", "1"), ("two.ipynb", "2")]
    assert list(third.notebooks) == sorted(third.notebooks)
    assert all(path.is_relative_to(tmp_path / "scratch") for path in third.notebooks)


def test_two_zips_with_the_same_names_keep_apart(find, pack):
    pack([("a.ipynb", "1"), ("b/a.ipynb", "2"), ("A.ipynb", "3"), ("b\\a.ipynb", "4")], "first.zip")
    pack([("a.ipynb", "5")], "second.zip")
    notebooks = [path for work in find() for path in work.notebooks]
    assert sorted(path.read_text() for path in notebooks) == list("12345")


def test_other_files_are_passed_over(place, find):
    for name in ("README.md", "notes.pdf", ".hidden.ipynb", ".git/x.ipynb", "__MACOSX/x.ipynb"):
        write(place / name)
    for name in ("a.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb", "__MACOSX/._a.ipynb", ".venv/b.ipynb", "data.csv"):
        write(place / "first" / name)
    assert [(work.name, work.notebooks) for work in find()] == [("first", (place / "first/a.ipynb",))]


def test_hidden_members_are_passed_over(find, pack):
    pack([(name, "") for name in ("./a.ipynb", ".ipynb_checkpoints/a.ipynb", "__MACOSX/._a.ipynb", "x/.b.ipynb")])
    (work,) = find()
    assert [path.name for path in work.notebooks] == ["a.ipynb"]


@pytest.mark.parametrize("name", ["first.rar", "first.7z", "first.tar.gz", "first.TGZ", "first.tar"])
def test_an_archive_of_another_kind_has_a_problem(place, find, name):
    write(place / name)
    (work,) = find()
    assert (work.learner, work.notebooks) == ("first", ())
    assert work.problem == f"{name} is an archive of a kind that is not read: hand in a .zip."


def test_a_folder_without_a_notebook_has_a_problem(place, find):
    write(place / "first/notes.txt", at=1)
    os.utime(place / "first", (5000, 5000))
    (work,) = find()
    assert (work.problem, work.handed_in) == ("There is no notebook in first.", 5000)


def test_an_archive_in_a_folder_or_a_zip_is_named_but_not_opened(place, pack, find):
    write(place / "first/work.rar")
    pack([("inner.zip", pack([("a.ipynb", "")]).read_bytes())], "second.zip")
    (place / "a1.zip").unlink()
    assert [work.problem for work in find()] == [
        "There is no notebook in first. An archive inside, work.rar, is not opened: hand in its notebooks.",
        "There is no notebook in second.zip. An archive inside, inner.zip, is not opened: hand in its notebooks.",
    ]


def test_a_zip_of_checkpoints_holds_no_notebook(pack, refused):
    pack([(".ipynb_checkpoints/a.ipynb", "")])
    assert refused() == "There is no notebook in a1.zip."


@pytest.mark.parametrize("files", [[], ["README.md", ".hidden.ipynb"]])
def test_nothing_handed_in_is_an_error(place, find, files):
    for name in files:
        write(place / name)
    with pytest.raises(ValueError, match=r"there is nothing in .*class.*a \.zip for each learner"):
        find()


def test_no_folder_is_an_error(place, tmp_path):
    for wrong in (tmp_path / "nowhere", write(tmp_path / "file")):
        with pytest.raises(ValueError, match=f"{wrong.name} cannot be read: .*Give a folder"):
            find_work(wrong, tmp_path / "scratch")


def test_symbolic_links_are_not_followed(place, find, tmp_path):
    outside = write(tmp_path / "secret/x.ipynb")
    (place / "file.ipynb").symlink_to(outside)
    (place / "folder").symlink_to(outside.parent)
    (place / "nowhere.zip").symlink_to(tmp_path / "nothing")
    write(place / "second/a.ipynb")
    (place / "second/b.ipynb").symlink_to(outside)
    write(place / "third/a.ipynb")
    (place / "third/data").symlink_to(outside.parent)
    *linked, third = find()
    assert [(work.learner, work.notebooks) for work in linked] == [
        (name, ()) for name in ("file", "folder", "nowhere", "second")
    ]
    assert all("a symbolic link" in work.problem for work in linked)
    assert (third.notebooks, third.problem) == ((place / "third/a.ipynb",), "")


@linux
@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(place, find):
    (place / "third").mkdir()
    for name in ("first.ipynb", "second.zip", "third/a.ipynb"):
        os.mkfifo(place / name)
    assert ["special file" in work.problem for work in find()] == [True] * 3


@linux
def test_folders_may_be_nested_deep(place, find):
    deepest = os.fspath(place / "first")
    os.mkdir(deepest)
    try:
        for _ in range(1500):
            os.mkdir(deepest := f"{deepest}/d")
        write(Path(deepest, "a.ipynb"))
        (work,) = find()
        assert work.notebooks == (Path(deepest, "a.ipynb"),)
    finally:
        subprocess.run(["rm", "-r", place / "first"], check=True)  # too deep for Python's own rmtree


@linux
def test_names_are_made_printable_and_stay_apart(place, find):
    names = [b"a\nb.ipynb", b"a\xfe.ipynb", b"a\xff.ipynb", "b\u202e.ipynb".encode()]
    for name in names:
        write(Path(os.fsdecode(bytes(place) + b"/" + name)))
    works = find()
    assert [work.name for work in works] == [r"a\nb.ipynb", r"a\udcfe.ipynb", r"a\udcff.ipynb", "b\\u202e.ipynb"]
    assert [work.learner for work in works] == [work.name.removesuffix(".ipynb") for work in works]
    assert all(path.exists() for work in works for path in work.notebooks)


# ---- whose it is


def test_without_a_roster_the_name_counts_up_to_two_dashes(place, find):
    for name in ("a1--1.ipynb", "a1--2.ipynb", "a-2.ipynb", "--x.ipynb"):
        write(place / name)
    write(place / "a1--3/x.ipynb")
    assert [work.learner for work in find()] == ["--x", "a-2", "a1", "a1", "a1"]


@pytest.mark.parametrize(
    ("name", "learner"),
    [
        ("Name_12345_assignsubmission_file_", "12345"),
        ("name_12345_67890_answers", "12345"),  # the platform's own number, which is somebody's too, comes later
        ("name_123456_file", None),
        ("x12345", None),
        ("a1 12345-final", "12345"),
        ("12345a", None),
        ("first@example.org (2)", "first@example.org"),
        ("12345 first@example.org", "first@example.org"),
        ("e\u0301te", "\u00e9te"),  # as macOS writes it
        ("a+b", "a+b"),
    ],
)
def test_with_a_roster_the_longest_whole_word_counts(place, find, name, learner):
    write(place / name / "x.ipynb")
    (work,) = find(roster_of("a1", "12345", "67890", "first", "first@example.org", "\u00e9te", "a+b"))
    assert (work.learner, work.known, work.problem) == (learner or name, learner is not None, "")


def test_the_ending_of_a_file_is_no_id(place, find):
    write(place / "a9.ipynb")
    (work,) = find(roster_of("ipynb"))
    assert (work.learner, work.known) == ("a9.ipynb", False)


def test_the_latest_work_of_each_learner_is_kept():
    def work(learner, name, at):
        return Work(learner, name, at, ())

    late, tied, other = work("a1", "a1--1", 9.0), work("a2", "a2--2", 5.0), work("a3", "a3", 1.0)
    works = [late, work("a1", "a1--2", 8.0), work("a2", "a2--1", 5.0), tied, other]
    assert latest(works) == latest(works[::-1])[::-1] == [late, tied, other]


# ---- zips that are not trusted

ENTRIES = ["../../evil.ipynb", "/srv/evil.ipynb", "a/../../evil.ipynb", "a\\..\\..\\evil.ipynb", "C:evil.ipynb"]
ENTRIES += ["C:\\evil.ipynb", "\\evil.ipynb", "\\\\server\\share\\evil.ipynb", "../\n\x1b[31mevil.ipynb"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_path_out_of_a_zip_is_refused(pack, refused, entry):
    pack([("a.ipynb", "good"), (entry, "evil")])
    assert "evil.ipynb, which is a path that leads out of it: pack" in refused()


def test_harmless_paths_that_look_odd_are_unpacked(pack, find):
    names = ["a" * 300 + ".ipynb", "a\nb.ipynb", "week 1: what?.ipynb", "d/" * 2000 + "deep.ipynb"]
    pack([(name, "") for name in names] + [("../../evil.txt", "")])
    (work,) = find()
    assert [path.name for path in work.notebooks] == [
        "a_b.ipynb", f"{'a' * 50}.ipynb", "deep.ipynb", "week 1_ what_.ipynb"]  # fmt: skip


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, stat.S_IFCHR])
def test_a_special_member_is_refused(pack, refused, kind):
    member = zipfile.ZipInfo("link.ipynb")
    member.external_attr = (kind | 0o777) << 16
    pack([("a.ipynb", "good"), (member, "/etc/passwd")])
    assert "link.ipynb, which is a symbolic link or another special file" in refused()


@pytest.mark.parametrize("count", [200, 300])
def test_a_zip_holds_at_most_two_hundred_notebooks(pack, find, count):
    pack([*((f"{n}.ipynb", "") for n in range(count)), *((f"{n}.txt", "") for n in range(100))])
    (work,) = find()
    assert (len(work.notebooks), work.problem) == (
        (200, "") if count == 200 else (0, "a1.zip holds 300 notebooks, and at most 200 are read.")
    )


def test_an_encrypted_member_is_refused(pack, refused):
    path = pack([("a.ipynb", "good")])
    patch(path, flags=1)
    assert refused().startswith("a1.zip holds a.ipynb, which is encrypted: pack the notebooks alone, without")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_cannot_be_unpacked_bit_by_bit_is_refused(pack, refused, method):
    pack([("a.ipynb", "good")], method=method)
    assert "compressed in a way that is not read" in refused()


def patch(path: Path, *, flags: int | None = None, size: int | None = None) -> None:
    """Overwrite flags or the unpacked size of the only member, where it stands and in the list of members."""
    data = bytearray(path.read_bytes())
    for start, at_flags, at_size in ((data.index(b"PK\3\4"), 6, 22), (data.index(b"PK\1\2"), 8, 24)):
        if flags is not None:
            data[start + at_flags : start + at_flags + 2] = flags.to_bytes(2, "little")
        if size is not None:
            data[start + at_size : start + at_size + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("size", [None, 100, 2**31], ids=["honest", "small", "large"])
def test_a_bomb_is_stopped_whatever_its_header_says(pack, refused, size):
    path = pack([("bomb.ipynb", bytes(100 * MIB))])
    assert path.stat().st_size < MIB
    patch(path, size=size)
    tracemalloc.start()
    problem = refused()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 16 * MIB
    assert ("cannot be read" if size == 100 else "more than 64 MB a notebook and 256 MB together") in problem


def test_a_header_that_promises_too_much_refuses_nothing(pack, find):
    """What counts is what comes out."""
    patch(pack([("a.ipynb", "good")]), size=2**31)
    (work,) = find()
    assert [path.read_text() for path in work.notebooks] == ["good"]


@pytest.mark.parametrize(("each", "together", "fine"), [(2, 6, True), (2, 5, False), (1, 6, False)])
def test_notebooks_are_counted_one_by_one_and_together(pack, find, tmp_path, monkeypatch, each, together, fine):
    monkeypatch.setattr(submissions, "LARGEST", each * MIB)
    monkeypatch.setattr(submissions, "MOST_BYTES", together * MIB)
    pack([(f"{n}.ipynb", bytes(2 * MIB)) for n in range(3)])
    (work,) = find()
    assert (len(work.notebooks), bool(work.problem)) == ((3, False) if fine else (0, True))
    assert fine or list((tmp_path / "scratch").iterdir()) == []


def test_a_class_unpacks_to_no_more_than_a_disk_holds(pack, find, tmp_path, monkeypatch):
    """What is refused takes no room from those after it."""
    monkeypatch.setattr(submissions, "MOST_OF_CLASS", 5 * MIB)
    for name, size in (("a1", 3), ("a2", 3), ("a3", 2), ("a4", 1)):
        pack([("a.ipynb", bytes(size * MIB))], f"{name}.zip")
    works = find()
    assert [len(work.notebooks) for work in works] == [1, 0, 1, 0]
    assert "together with a2.zip: grade it in a folder by itself." in works[1].problem
    assert len(list((tmp_path / "scratch").iterdir())) == 2


def test_a_folder_with_too_many_notebooks(place, find):
    for n in range(submissions.MOST_NOTEBOOKS + 1):
        write(place / "a1" / f"{n}.ipynb")
    (work,) = find()
    assert work.notebooks == () and work.problem == "a1 holds 201 notebooks, and at most 200 are read."
    (place / "a1" / "0.ipynb").unlink()
    assert len(find()[0].notebooks) == 200


def test_the_limits_are_those_that_are_promised():
    assert (submissions.LARGEST, submissions.MOST_BYTES, submissions.MOST_NOTEBOOKS) == (64 * MIB, 256 * MIB, 200)
    assert submissions.MOST_OF_CLASS == 4096 * MIB


@pytest.mark.parametrize("cut", [0, 10, 40, 80, 150])
def test_a_broken_zip_is_refused(pack, refused, cut):
    path = pack([("a.ipynb", os.urandom(100))])
    path.write_bytes(path.read_bytes()[:cut])
    assert refused() == "a1.zip cannot be read: it is a broken .zip, or none at all; pack it again."


@pytest.mark.timeout(120)
def test_no_damage_gets_out(pack, find):
    """Every byte of a small zip, changed: notebooks or a sentence, never an exception."""
    path = pack([("a.ipynb", "good" * 9), ("b.ipynb", os.urandom(20))])
    whole = path.read_bytes()
    for position in range(len(whole)):
        for value in (0, 255, whole[position] ^ 1):
            path.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
            (work,) = find()
            assert bool(work.notebooks) != bool(work.problem)


def test_names_that_are_no_utf8(pack, find):
    for name, letters, flagged in (("a.zip", b"zz", False), ("b.zip", "ä".encode(), True)):
        path = pack([(f"{letters.decode()}.ipynb", "")], name)
        path.write_bytes(path.read_bytes().replace(letters, b"\xff\xfe"))
        assert bool(zipfile.ZipInfo(letters.decode())._encodeFilenameFlags()[1]) == flagged
    old, wrong = find()
    assert [path.suffix for path in old.notebooks] == [".ipynb"]  # read as the letters of DOS
    assert "broken" in wrong.problem


def test_a_long_list_of_members_is_not_read_into_memory(pack, refused, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_DIRECTORY", 5000)
    pack([(f"{n}.txt", "") for n in range(100)])
    assert "broken" in refused()


def test_a_full_disk_is_not_the_learners_fault(pack, find, tmp_path, monkeypatch):
    pack([("a.ipynb", "")])

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space"):
        find()
    assert list((tmp_path / "scratch").iterdir()) == []


# ---- rosters


@pytest.fixture
def roster(tmp_path):
    def roster(content: str | bytes, **options) -> Roster:
        path = tmp_path / "class.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Roster.read(path, **options)

    return roster


def test_a_roster_with_a_bom_and_semicolons(roster):
    found = roster('\ufeffName;Login;Group\r\n"Last, First";a1;x\r\n\r\nÄ;a2\r\n;;\r\n')
    assert found.columns == ("Name", "Login", "Group")
    assert found.rows == {
        "a1": {"Name": "Last, First", "Login": "a1", "Group": "x"},
        "a2": {"Name": "Ä", "Login": "a2", "Group": ""},
    }


@pytest.mark.parametrize("text", ["group,id\nx,b\nx,a\n", "group\tid\nx\tb\nx\ta", "group;id\nx;b\nx;a", "id\nb\na"])
def test_delimiters(roster, text):
    assert list(roster(text).rows) == ["b", "a"]


@pytest.mark.parametrize(
    ("header", "column", "expected"),
    [
        ("name,ID,email", None, "2"),
        ("email,id", None, "1"),
        ("name,Student_ID", None, "2"),
        ("name,group", None, "1"),
        (",group", None, "2"),
        ("name,id,group", "group", "3"),
    ],
)
def test_the_column_of_the_ids(roster, header, column, expected):
    row = ["1", "2", "3"][: 1 + header.count(",")]
    assert list(roster(f"{header}\n{','.join(row)}", column=column).rows) == [expected]


def test_columns_without_a_name_are_passed_over(roster):
    assert roster("id,,name,\na1,x,first,y\n").rows == {"a1": {"id": "a1", "name": "first"}}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("id,name\na1,x\na2,y\na1,z\n", "line 4: the id a1 stands in an earlier row"),
        ("id,name\n,x\n", "line 2: nothing stands in the column id"),
        ("id,name\na1,x,y\n", "line 2: there are 3 cells for 2 columns"),
        ("id,name,id\na1,x,y\n", "line 1: two columns have the same name"),
        ("id,name\n", "line 1: there is no learner"),
        ("", "line 1: nothing stands in this file"),
        ("\n,,\n", "line 1: nothing stands in this file"),
        (b"id,name\na1,x\na2,\xe4\n", "line 3: this is no text in UTF-8"),
        ("id,name\na1,x\n".encode("utf-16"), "line 1: this is no text"),
        (b"id,name\na1,\0\n", "line 2: this is no text"),
        ('id,name\na1,"x\na2,y\n', "line 3: this is no CSV"),
    ],
)
def test_a_roster_that_cannot_be_read(roster, content, sentence):
    with pytest.raises(ValueError) as raised:
        roster(content)
    assert str(raised.value).startswith(f"class.csv, {sentence}")


def test_a_column_that_is_missing(roster):
    with pytest.raises(ValueError, match=r"class\.csv, line 1: there is no column number; there are id, name\."):
        roster("id,name\na1,x\n", column="number")


def test_a_roster_that_is_missing(tmp_path):
    with pytest.raises(ValueError, match=r"class\.csv cannot be read: No such file"):
        Roster.read(tmp_path / "class.csv")
