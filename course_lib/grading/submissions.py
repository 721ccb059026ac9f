"""What a class handed in: whose work it is and where its notebooks are. Nothing of it is trusted, opened or run."""

import io
import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from course_lib.grading.roster import Roster, printable, shown
from course_lib.notebooks.files import LARGEST

MOST_NOTEBOOKS = 200  # in a zip or a folder
MOST_BYTES = 256 * 2**20  # of a zip's notebooks together, unpacked
MOST_OF_CLASS = 4 * 2**30  # bytes of all zips' notebooks together, unpacked
MOST_DIRECTORY = 8 * 2**20  # bytes of a zip's own list of members, some 60 000 of them
CHUNK = 2**20  # bytes that are unpacked at a time

_ENDING = re.compile(r"\.(ipynb|zip|rar|7z|tar|tgz|tbz2|txz|(?:tar\.)?(?:gz|bz2|xz|zst))$", re.IGNORECASE)
_PLACE = "a folder with a notebook, a folder or a .zip for each learner"
_SPECIAL = "a symbolic link or another special file"
_AGAIN = "pack the notebooks alone, without a password, into a new .zip."


@dataclass(frozen=True)
class Work:
    """What a learner handed in at one time.

    Args:
        learner: the id in the roster, else by the file's name.
        name: of the file or folder; what cannot be printed is escaped.
        handed_in: when it was last changed, in seconds since 1970; a folder, when the newest notebook in it was.
        notebooks: their paths, sorted.
        problem: a sentence why nothing can be graded; else empty.
        known: whether the learner is in the roster, if there is one.
    """

    learner: str
    name: str
    handed_in: float
    notebooks: tuple[Path, ...]
    problem: str = ""
    known: bool = True


@dataclass
class _Scratch:
    """Where zips are unpacked.

    Args:
        folder: each gets a new one in it.
        left: bytes that may still be unpacked.
    """

    folder: Path
    left: int


def find_work(place: Path, scratch: Path, *, roster: Roster | None = None) -> list[Work]:
    """What lies in a folder with a notebook, a folder of notebooks or a zip for each learner, sorted by name.

    Hidden files and files of other kinds are passed over. What is broken or hostile is a work with a problem.

    Args:
        place: the folder.
        scratch: where zips are unpacked, each into a new folder.
        roster: who may have handed something in. Without it, a learner's name is that of the file up to "--".

    Raises:
        ValueError: `place` is no folder that can be read, or there is no work in it.
        OSError: `scratch` cannot be written, for example since the disk is full.
    """
    try:
        with os.scandir(place) as found:
            entries = sorted(filter(_is_work, found), key=lambda entry: entry.name)
    except OSError as problem:
        raise ValueError(f"{printable(str(place))} cannot be read: {problem.strerror}. Give {_PLACE}.") from problem
    if not entries:
        raise ValueError(f"there is nothing in {printable(str(place))} that a learner handed in. Give {_PLACE}.")
    scratch.mkdir(parents=True, exist_ok=True)
    room = _Scratch(scratch, MOST_OF_CLASS)
    return [_work(entry, room, roster) for entry in entries]


def latest(works: Sequence[Work]) -> list[Work]:
    """Each learner's last work by the time it was handed in, then by name; in the order given."""
    last = {work.learner: work for work in sorted(works, key=lambda work: (work.handed_in, work.name))}
    return [work for work in works if last[work.learner] is work]


class _Refused(Exception):
    """Why a work cannot be graded, in a sentence."""


def _is_work(entry: os.DirEntry) -> bool:
    kind = entry.is_symlink() or entry.is_dir() or _ENDING.search(entry.name)
    return bool(kind) and not _passed_over(entry.name)


def _passed_over(name: str) -> bool:
    """Whether a file or folder is hidden, as .ipynb_checkpoints is, or one that macOS adds to its zips."""
    return name == "__MACOSX" or (name.startswith(".") and name != "..")


def _work(entry: os.DirEntry, scratch: _Scratch, roster: Roster | None) -> Work:
    try:
        notebooks, problem = _notebooks(entry, scratch), ""
    except _Refused as refused:
        notebooks, problem = (), str(refused)
    changed = [path.lstat().st_mtime for path in notebooks] if entry.is_dir(follow_symlinks=False) else []
    handed_in = max(changed, default=entry.stat(follow_symlinks=False).st_mtime)
    name, stem = printable(entry.name), _ENDING.sub("", entry.name)
    if roster is None:
        return Work(printable(stem.partition("--")[0] or stem), name, handed_in, notebooks, problem)
    id = roster.id_in(stem)
    return Work(id or name, name, handed_in, notebooks, problem, known=id is not None)


def _notebooks(entry: os.DirEntry, scratch: _Scratch) -> tuple[Path, ...]:
    if entry.is_dir(follow_symlinks=False):
        return _in_folder(entry)
    _check_file(entry)
    match _ENDING.search(entry.name)[1].lower():
        case "ipynb":
            return (Path(entry.path),)
        case "zip":
            return _in_zip(entry, scratch)
    raise _Refused(f"{shown(entry.name)} is an archive of a kind that is not read: hand in a .zip.")


def _check_file(entry: os.DirEntry) -> None:
    """Refuse what is no regular file; to open a pipe would wait for ever."""
    if not entry.is_file(follow_symlinks=False):
        raise _Refused(f"{shown(entry.name)} is {_SPECIAL}, which is not read: hand in an ordinary file.")


def _in_folder(folder: os.DirEntry) -> tuple[Path, ...]:
    """The notebooks below a folder; links to other folders are passed over."""
    with _blaming(folder.name):
        files = list(_files_below(folder.path))
    notebooks = [file for file in files if _is_notebook(file.name)]
    if not notebooks:
        raise _no_notebook(folder.name, [file.name for file in files])
    _check_count(folder.name, notebooks)
    for notebook in notebooks:
        _check_file(notebook)
    return tuple(sorted(Path(notebook.path) for notebook in notebooks))


def _files_below(folder: str) -> Iterator[os.DirEntry]:
    """All but folders; without recursion, so that no depth of folders is too much."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            kept = [entry for entry in entries if not _passed_over(entry.name)]
        waiting += [entry.path for entry in kept if entry.is_dir(follow_symlinks=False)]
        yield from (entry for entry in kept if not entry.is_dir(follow_symlinks=False))


def _is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def _no_notebook(name: str, files: list[str]) -> _Refused:
    """What there is to say of a folder or zip with these files and no notebook."""
    archive = next((file for file in files if _ENDING.search(file) and not _is_notebook(file)), None)
    hint = f" An archive inside, {shown(archive)}, is not opened: hand in its notebooks." if archive else ""
    return _Refused(f"There is no notebook in {shown(name)}.{hint}")


def _check_count(name: str, notebooks: Sequence[object]) -> None:
    if len(notebooks) > MOST_NOTEBOOKS:
        raise _Refused(f"{shown(name)} holds {len(notebooks)} notebooks, and at most {MOST_NOTEBOOKS} are read.")


class _Archive(io.FileIO):
    """A zip, of which no more can be read at once than a fair one needs: zipfile reads its list of members whole."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > MOST_DIRECTORY:
            raise zipfile.BadZipFile("a list of members that is too long")
        return super().read(size)


def _in_zip(entry: os.DirEntry, scratch: _Scratch) -> tuple[Path, ...]:
    """The notebooks of a zip, unpacked into a new folder of `scratch`; all of them or, if one is refused, none."""
    with _blaming(entry.name):
        raw = _Archive(entry.path)
    with raw:
        with _blaming(entry.name):
            archive = zipfile.ZipFile(raw)
        members = _members(archive, entry.name)
        folder = Path(tempfile.mkdtemp(dir=scratch.folder))
        try:
            notebooks = tuple(_unpack(archive, members, folder, entry.name, scratch.left))
        except BaseException:
            shutil.rmtree(folder)
            raise
        scratch.left -= sum(notebook.stat().st_size for notebook in notebooks)
        return notebooks


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Whatever goes wrong in reading is the work's fault; zipfile raises a dozen kinds, from EOFError to zlib.error."""
    try:
        yield
    except Exception as problem:
        why = getattr(problem, "strerror", None) or "it is a broken .zip, or none at all; pack it again"
        raise _Refused(f"{shown(name)} cannot be read: {why}.") from problem


def _members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """The notebooks among a zip's members, sorted, if all of them may be unpacked."""
    notebooks = []
    for member in archive.infolist():
        if not _is_notebook(member.filename) or any(map(_passed_over, PureWindowsPath(member.filename).parts)):
            continue
        if problem := _problem_of(member):
            raise _Refused(f"{shown(name)} holds {shown(member.filename)}, which is {problem}: {_AGAIN}")
        notebooks.append(member)
    if not notebooks:
        raise _no_notebook(name, archive.namelist())
    _check_count(name, notebooks)
    return sorted(notebooks, key=lambda member: member.filename)


def _problem_of(member: zipfile.ZipInfo) -> str:
    """What stands against reading a member; else empty."""
    path = PureWindowsPath(member.filename)  # knows the separators of all systems, and drives
    if path.anchor or ".." in path.parts:
        return "a path that leads out of it"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):  # 0: packed where files have no such kinds
        return _SPECIAL
    if member.flag_bits & 1:
        return "encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile reads no others bit by bit
        return "compressed in a way that is not read"
    return ""


def _unpack(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path, name: str, left: int
) -> Iterator[Path]:
    """Write members into a folder, each into one of its own under a harmless name, and count what comes out."""
    together = 0
    for number, member in enumerate(members, 1):
        path = folder / f"{number:03}" / _harmless(member.filename)
        path.parent.mkdir()
        size = 0
        with path.open("xb") as file:
            for chunk in _chunks(archive, member, name):
                size, together = size + len(chunk), together + len(chunk)
                if size > LARGEST or together > MOST_BYTES:
                    most = f"{LARGEST / 2**20:g} MB a notebook and {MOST_BYTES / 2**20:g} MB together"
                    raise _Refused(f"{shown(name)} holds more than {most}: clear the outputs and pack it again.")
                if together > left:
                    most = f"more than {MOST_OF_CLASS / 2**30:g} GB together"
                    raise _Refused(f"The class's zips hold {most} with {shown(name)}: grade it in a folder by itself.")
                file.write(chunk)
        yield path


def _chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    with _blaming(name), archive.open(member) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _harmless(filename: str) -> str:
    """A notebook's name that every file system takes, like the one it had."""
    return re.sub(r"[^\w .+()-]", "_", PureWindowsPath(filename).stem)[:50] + ".ipynb"
