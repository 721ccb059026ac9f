"""`course release`: what goes to students and what does not, and that the copy works."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import NotebookNode

from course_lib.exercises import registry
from course_lib.grading import release as module
from course_lib.grading import solutions
from course_lib.grading.assignment import ASSIGNMENT, Assignment
from course_lib.grading.release import LEARNERS, TEACHERS, learners_files
from course_lib.grading.without_mistakes import without_mistakes
from course_lib.notebooks.files import right_answers
from course_lib.notebooks.tidy import RELEASED, digest
from course_lib.paths import repository
from tests.notebooks.making import code, course, save

STUB = "# exercise: start.gate\ndef gate(x, weight, bias):\n    ..."
ANSWER = STUB.replace("...", "return (weight * x + bias).sigmoid()")
FILES = {  # of a small workbook: whether a learner gets it
    "README.md": True,
    "requirements.txt": True,
    ".github/workflows/grade.yml": True,
    ".gitlab-ci.yml": True,
    ".github/workflows/test.yml": False,
    "course_lib/tool.py": True,
    "course_lib/__pycache__/tool.cpython-311.pyc": False,
    "data/numbers.csv": True,
    "notebooks/.ipynb_checkpoints/00_start_here.ipynb": False,
    "notebooks/roster.csv": False,
    "notebooks/submissions/a1/answers.ipynb": False,
    "tests/answers/00_start_here.py": False,
    "tests/test_tool.py": False,
    "roster.csv": False,
    "class.yaml": False,
    "submissions/a1.ipynb": False,
    ".venv/pyvenv.cfg": False,
    ".cache/model": False,
    ".progress/progress.json": False,
    "build/grade/report.json": False,
}


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    """A small workbook without git, whose copies are not tried."""
    root = tmp_path / "workbook"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text")
    save(root / "notebooks" / "00_start_here.ipynb", code(STUB, id="a"))
    save(root / "notebooks" / "04_recurrent" / "4.1.ipynb", code("1", id="a"))
    save(root / "notebooks" / "05_generative" / "5.1.ipynb", code("1", id="a"))
    monkeypatch.setattr(module, "repository", lambda: root)
    monkeypatch.setattr(module, "_try", lambda copy, no_solutions: None)
    return root


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# ---- what goes along


def test_a_copy_holds_what_a_learner_needs_and_nothing_of_a_teacher(workbook, tmp_path):
    done = course("release", tmp_path / "out")
    assert done.exit_code == 0, done.output
    notebooks = {f"notebooks/{name}.ipynb" for name in ("00_start_here", "04_recurrent/4.1", "05_generative/5.1")}
    wanted = {name for name, goes in FILES.items() if goes} | notebooks | {solutions.KEPT}
    assert files_in(tmp_path / "out") == wanted
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert "is written: notebooks 3, exercises 1, with solutions" in done.output


def test_the_notebooks_of_some_chapters(workbook, tmp_path):
    assert course("release", tmp_path / "out", "--chapter", "04", "--no-solutions").exit_code == 0
    there = {name for name in files_in(tmp_path / "out") if name.startswith("notebooks/")}
    assert there == {"notebooks/00_start_here.ipynb", "notebooks/04_recurrent/4.1.ipynb"}
    done = course("release", tmp_path / "other", "--chapter", "06")
    assert done.exit_code == 1 and "There is no chapter '06'." in done.output
    done = course("release", tmp_path / "other", "--chapter", save(tmp_path / "own.ipynb", code("1", id="a")))
    assert done.exit_code == 1 and "own.ipynb is no chapter of this workbook." in done.output


def test_only_what_git_tracks(workbook, tmp_path, monkeypatch):
    (workbook / ".git").mkdir()
    tracked = ["README.md", "notebooks/00_start_here.ipynb", "course_lib/gone.py", "tests/test_tool.py"]
    others = ["course_lib/tool.py", "roster.csv"]
    monkeypatch.setattr(module, "_tracked", lambda root, *others_only: map(Path, others if others_only else tracked))
    done = course("release", tmp_path / "out")
    assert files_in(tmp_path / "out") == {"README.md", "notebooks/00_start_here.ipynb", solutions.KEPT}
    assert "Left out, for git does not track it: course_lib/tool.py\n" in done.output
    assert "roster" not in done.output


def test_git_that_fails_says_why(workbook, tmp_path):
    (workbook / ".git").write_text("nonsense")
    done = course("release", tmp_path / "out")
    assert done.exit_code == 1 and "git cannot say which files belong to the workbook: " in done.output


def test_every_tracked_file_is_a_learners_or_a_teachers():
    if not (repository() / ".git").exists():
        pytest.skip("a copy without git")
    tracked = module._tracked(repository())
    undecided = [
        file
        for file in tracked
        if not any(file == Path(place) or Path(place) in file.parents for place in (*LEARNERS, *TEACHERS))
    ]
    assert undecided == [], "does a student need it? Put it on one of the lists in release.py"
    files, _ = learners_files(repository())
    assert Path("course_lib/cli.py") in files and not any(file.parts[0] == "tests" for file in files)


# ---- what is refused


def test_where_no_copy_may_be_written(workbook, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "link").symlink_to(workbook / "notebooks")
    for out, sentence in {
        tmp_path / "full": "is not empty. Name a folder that is empty or not yet there.",
        tmp_path / "full" / "mine": "is a file.",
        workbook / "copy": "lies inside the workbook. Name a folder outside it, or one in build/.",
        workbook / "build": "lies inside the workbook.",
        workbook / "build" / ".." / "copy": "lies inside the workbook.",
        tmp_path / "link" / "copy": "lies inside the workbook.",
    }.items():
        before = files_in(tmp_path)
        done = course("release", out)
        assert done.exit_code == 1 and sentence in " ".join(done.output.split()), done.output
        assert files_in(tmp_path) == before
    (tmp_path / "empty").mkdir()
    assert course("release", tmp_path / "empty").exit_code == 0
    assert course("release", workbook / "build" / "copy").exit_code == 0


@pytest.mark.parametrize(
    "cell",
    [
        code(ANSWER, id="a"),
        code(STUB.partition("\n")[2].replace("...", "return x"), "exercise:start.gate", id="a"),  # no marker, but a tag
        NotebookNode(code(STUB.replace("...", "x = 1; ..."), id="a") | {"metadata": {RELEASED: digest(STUB)}}),  # begun
        code("# exercise: start.gate\ngate = 1", id="a"),
    ],
)
def test_a_notebook_that_holds_an_answer(workbook, tmp_path, cell):
    save(workbook / "notebooks" / "00_start_here.ipynb", cell)
    done = course("release", tmp_path / "out")
    assert done.exit_code == 1 and "notebooks/00_start_here.ipynb holds an answer to start.gate." in done.output
    assert not (tmp_path / "out").exists()


def test_a_notebook_with_an_exercise_that_does_not_exist(workbook, tmp_path):
    save(workbook / "notebooks" / "00_start_here.ipynb", code(STUB.replace("start.gate", "start.gat"), id="a"))
    assert "Did you mean start.gate" in course("release", tmp_path / "out").output


def test_an_assignment(workbook, tmp_path):
    chosen = tmp_path / "week4.yaml"
    for text, sentence in {
        "exercises: {start.gat: 1}": "Did you mean start.gate",
        "exercises: {recurrent.lstm: 1}": "week4.yaml chooses recurrent.lstm, which is in no notebook of this copy.",
    }.items():
        chosen.write_text(text)
        done = course("release", tmp_path / "out", "--assignment", chosen)
        assert done.exit_code == 1 and sentence in done.output
    for n, text in enumerate(("minimum: 60\nexercises: {start.gate: 2}", "minimum: 60")):
        chosen.write_text(text)
        assert course("release", tmp_path / f"out{n}", "--assignment", chosen).exit_code == 0
        assert (tmp_path / f"out{n}" / ASSIGNMENT).read_text() == text
        assert Assignment.read(tmp_path / f"out{n}" / ASSIGNMENT).minimum == 60


def test_nothing_half_written_stays(workbook, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_atomically", full)
    done = course("release", tmp_path / "out")
    assert done.exit_code == 1 and "cannot be written: No space left on device." in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["workbook"]


# ---- solutions


def test_solutions_of_a_copy(workbook, tmp_path, monkeypatch):
    course("release", tmp_path / "out")
    answer = right_answers()["start.gate"]
    monkeypatch.setattr(solutions, "right_answers", dict)
    monkeypatch.setattr(solutions, "repository", lambda: tmp_path / "out")
    assert course("solution", "start.gate").output == answer
    assert "Did you mean start.gate" in course("solution", "start.gat").output
    (tmp_path / "out" / solutions.KEPT).write_text("{}")
    assert "This copy of the workbook has no solution of start.gate." in course("solution", "start.gate").output
    (tmp_path / "out" / solutions.KEPT).unlink()
    done = course("solution", "start.gate")
    assert done.exit_code == 1 and "This copy of the workbook has no solutions." in done.output


WITH_MISTAKES = '''"""Exercises."""
from room.exercises.shared import LIMIT, near as close, wrong_way
from course_lib.exercises import exercise, mistake as wrong

@exercise("a.b")  # kept as it stands
def draw(rng):
    return helped(close)

# of helped
def helped(x):  return   x

# the right answer, for mistakes to change
def right(x):
    return wrong_way(x) + LIMIT

@wrong(draw, "a name")
def _(x):
    return right(-x)

for sign in (1, -1):
    wrong(draw, str(sign))(right)
'''
WITHOUT = '''"""Exercises."""
from room.exercises.shared import near as close
from course_lib.exercises import exercise

@exercise("a.b")  # kept as it stands
def draw(rng):
    return helped(close)

# of helped
def helped(x):  return   x
'''


def test_what_only_mistakes_use_goes_with_them():
    shared = "import math\nimport re\nLIMIT = 3\nnear = math.pi\ndef wrong_way(x): return re.sub(x)\nprint(LIMIT)\n"
    sources = {"room.exercises.one": WITH_MISTAKES, "room.exercises.shared": shared}
    assert without_mistakes(sources, [("room.exercises.one", "draw")]) == {
        "room.exercises.one": WITHOUT,
        "room.exercises.shared": "import math\nLIMIT = 3\nnear = math.pi\nprint(LIMIT)\n",
    }


def test_who_declares_mistakes_for_others_goes_with_the_calls():
    helping = (
        "from course_lib.exercises import mistake\ndef wrong_in(of, **changed):\n    mistake(of, 'a')(changed)\n"
        "def twice(of):\n    wrong_in(of, x=1)\ndef kept(mistake): return mistake + 1\n"
    )
    calling = (
        "from r.exercises.a import kept, twice as again\nfrom course_lib.exercises import exercise\n"
        "@exercise('a.b')\ndef draw(rng): return kept(1)\nagain(draw)\n"
    )
    left = without_mistakes({"r.exercises.a": helping, "r.exercises.b": calling}, [("r.exercises.b", "draw")])
    assert left["r.exercises.a"] == "def kept(mistake): return mistake + 1\n"
    assert "again" not in left["r.exercises.b"] and "return kept(1)" in left["r.exercises.b"]


def test_a_module_imported_by_its_name_stays():
    sources = {"r.exercises.a": "from r.exercises import b\nx = b.f", "r.exercises.b": "def f(): pass\n"}
    assert without_mistakes(sources, [("r.exercises.a", "x")])["r.exercises.b"] == "def f(): pass\n"


# ---- the real workbook

IN_THE_COPY = """
import json, sys
from pathlib import Path
from click.testing import CliRunner
import course_lib
from course_lib import cli
from course_lib.exercises import check, registry
from course_lib.exercises.check import examine

answers = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
assert Path(course_lib.__file__).is_relative_to(Path.cwd())

def functions(exercise):
    namespace = {}
    exec(answers[exercise.id], namespace)
    return [namespace[asked.name] for asked in exercise.asked]

print(json.dumps({known.id: examine(known, *functions(known)).status for known in registry()}))
gate = functions(next(known for known in registry() if known.id == "start.gate"))[0]
check("start.gate", gate)
check("start.gate", lambda x, weight, bias: weight * x + bias)
print(CliRunner().invoke(cli.main, ["solution", "start.gate"]).output)
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A copy of the real workbook without solutions, made of the files that lie here."""
    out = tmp_path_factory.mktemp("release") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_tracked", lambda *_: None)
        done = course("release", out, "--no-solutions")
    assert done.exit_code == 0, done.output
    return out


def test_check_works_in_a_copy_without_mistakes(real, tmp_path):
    (tmp_path / "answers.json").write_text(json.dumps(right_answers()), encoding="utf-8")
    command = [sys.executable, "-B", "-c", IN_THE_COPY, str(tmp_path / "answers.json")]
    done = subprocess.run(command, cwd=real, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, *said = done.stdout.splitlines()
    assert json.loads(first) == {exercise.id: "passed" for exercise in registry()}
    right, wrong, *others = said
    assert right.startswith("gate   2 of 2 points") and wrong.startswith("gate   0 of 2 points")
    assert "wanted" in others[0] and "It behaves like" not in done.stdout
    assert "This copy of the workbook has no solutions." in done.stdout


def test_nothing_of_the_answers_is_left_in_it(real):
    assert not (real / "tests").exists() and not (real / solutions.KEPT).exists()
    sources = "\n".join(path.read_text(encoding="utf-8") for path in real.glob("course_lib/*/exercises/**/*.py"))
    assert "@mistake" not in sources
    named = [known.name for exercise in registry() for known in exercise.mistakes if f'"{known.name}"' in sources]
    assert named == []
