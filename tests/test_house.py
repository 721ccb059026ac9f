"""The house rules, read from the files themselves: who may import whom, what stays small, what is pinned."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from packaging.requirements import Requirement

import course_lib
from course_lib.cli import main
from course_lib.grading.assignment import ASSIGNMENT
from course_lib.paths import repository

HOUSE = repository()
LIBRARY = HOUSE / "course_lib"
FLOORS = [  # from the ground up: a room may import what stands before it, never what stands after
    *("paths", "imports", "seeds", "device", "processes", "batches", "fingerprints", "screen", "checkpoints"),
    *("progress", "datasets", "training", "recording", "results", "sources", "figures", "exercises", "explorers"),
    *("recall", "claims", "start_here", "tensors", "foundations", "convolution", "recurrent", "generative"),
    *("reinforcement", "language", "transfer", "vision", "transformers_nlp", "recommenders"),
    *("notebooks", "grading", "cli"),
]
LONGEST = 350  # lines
HEAVY = {"matplotlib", "ipywidgets", "sklearn", "pandas", "scipy", "IPython", "papermill"}
ON_GITHUB, ON_GITLAB = HOUSE / ".github" / "workflows" / "grade.yml", HOUSE / ".gitlab-ci.yml"  # of a learner's copy
WORKFLOWS = [*sorted(ON_GITHUB.parent.glob("*.yml")), ON_GITLAB]


def name_of(path):
    return path.relative_to(HOUSE).as_posix()


def modules(under=LIBRARY):
    return [path for path in sorted(under.rglob("*.py")) if path != LIBRARY / "__init__.py"]


def room_of(path):
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def imports_of(path):
    """Every module or name that a file imports, also inside functions: "torch", "course_lib.paths.repository"."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports by dots: name the module in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path):
    """The rooms of course_lib that a file imports; a name that the package itself offers counts for its room."""
    for imported in imports_of(path):
        first, _, rest = imported.partition(".")
        name = rest.partition(".")[0]
        if first == "course_lib" and name not in ("", "__version__"):
            yield course_lib._WHERE[name].split(".")[1] if name in course_lib._WHERE else name


def loaded_by(code):
    """The top-level modules that are loaded in a fresh Python after this code."""
    show = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


# ---- who may import whom


def test_a_room_imports_only_what_stands_before_it():
    assert {room_of(path) for path in modules()} <= set(FLOORS), "a new room: put it on the list"
    wrong = [
        f"{name_of(path)} imports {other}"
        for path in modules()
        for other in sorted(set(rooms_imported(path)))
        if FLOORS.index(other) > FLOORS.index(room_of(path))
    ]
    assert wrong == []


def test_the_import_rule_notices_a_wrong_import(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("def late():\n    from course_lib import fit, progress\n    import course_lib.explorers.base\n")
    assert set(rooms_imported(planted)) == {"training", "progress", "explorers"}


def test_figures_know_nothing_of_models_and_widgets():
    names = [path.stem for path in modules(LIBRARY / "figures")]
    assert names
    imports = "\n".join(f"import course_lib.figures.{name}" for name in names if name != "__init__")
    loaded = loaded_by(imports)
    assert "matplotlib" in loaded
    assert not loaded & {"torch", "ipywidgets", "IPython"}


def test_no_pyplot():
    """Its global state keeps figures alive and draws them twice in widgets."""
    pyplot = ("matplotlib.pyplot", "pylab")
    assert [name_of(path) for path in modules() if any(name.startswith(pyplot) for name in imports_of(path))] == []


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("import course_lib; course_lib.start") & HEAVY
    assert "torch" not in loaded_by("import course_lib")


# ---- what stays small and silent


def test_files_stay_short():
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


def test_no_path_of_this_machine_is_written_down():
    """Not the folder that the repository lies in, not the home of whoever made it."""
    here = [re.escape(f"{folder}/") for folder in (HOUSE.parent, HOUSE) if len(folder.parts) > 1]
    machine = re.compile(rf"(?<![\w./-])({'|'.join([*here, '/root/', '/home/[a-z]', '/Users/[A-Za-z]'])})")
    others = [path for path in own_files() if path.name != Path(__file__).name]
    assert [name_of(path) for path in others if machine.search(path.read_text(encoding="utf-8"))] == []


def own_files():
    """The repository's text files, without what is made or installed."""
    kinds = {".py", ".md", ".ipynb", ".json", ".toml", ".yml", ".txt", ".cfg", ""}
    for path in sorted(HOUSE.rglob("*")):
        folders = path.relative_to(HOUSE).parts[:-1]
        made = any(folder in {"build", "__pycache__"} or folder.endswith(".egg-info") for folder in folders)
        hidden = any(folder.startswith(".") and folder not in {".github", ".ci"} for folder in folders)
        if path.is_file() and path.suffix in kinds and not made and not hidden and path.name != ".DS_Store":
            yield path


# ---- what is pinned, and what the files around the code promise


def pins():
    lines = (HOUSE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_requirements_are_exact():
    for pin in pins():
        (version,) = pin.specifier
        assert version.operator == "==", pin
        assert re.fullmatch(r"[\d.]+(post\d+)?", version.version), f"{pin}: no wildcard, no local version"
        assert not pin.name.startswith(("nvidia", "cuda", "triton")), "torch asks for these where they are of use"


def test_pins_lie_in_the_packages_ranges():
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {pin.name.lower(): next(iter(pin.specifier)).version for pin in pins()}
    for line in project["dependencies"] + project["optional-dependencies"]["test"]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(pinned[wanted.name]), line
        assert "==" not in line, "exact versions belong in requirements.txt"


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_versions_in_workflows_are_quoted(path):
    """Unquoted, 3.10 is the number 3.1."""

    def numbers(value):
        if isinstance(value, dict):
            return [number for item in value.values() for number in numbers(item)]
        if isinstance(value, list):
            return [number for item in value for number in numbers(item)]
        return [value] if isinstance(value, float) else []

    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert numbers(workflow) == []
    assert "TORCH" in path.read_text(encoding="utf-8"), "without TORCH=cpu, pip brings gigabytes of CUDA"


def commands_of(path):
    """The lines that a workflow has run, on GitHub or on GitLab."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [step for job in workflow.get("jobs", {}).values() for step in job["steps"]]
    scripts = [step["run"] for step in steps if "run" in step]
    scripts += [line for job in workflow.values() if isinstance(job, dict) for line in job.get("script", [])]
    return [line.strip() for script in scripts for line in script.splitlines()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_workflows_run_what_there_is(path):
    context = click.Context(main)
    targets = re.findall(r"^(\w+):", (HOUSE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    known = 0
    for line in commands_of(path):
        match shlex.split(line, comments=True):
            case [".venv/bin/course", name, *arguments]:
                command = main.get_command(context, name)
                assert command, f"there is no `course {name}`"
                command.make_parser(context).parse_args(arguments)
            case ["python", file]:
                assert (HOUSE / file).is_file()
            case ["make", target]:
                assert target in targets
            case _:
                continue
        known += 1
    assert known


def test_a_learners_copy_is_graded_alike_on_github_and_on_gitlab():
    """The same commands, the same files kept, also of a grade that is too low, and one place for the minimum."""
    of_github, of_gitlab = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ON_GITHUB, ON_GITLAB))
    assert commands_of(ON_GITLAB) == [line for line in commands_of(ON_GITHUB) if "SUMMARY" not in line]
    (upload,) = (step for step in of_github["jobs"]["grade"]["steps"] if "upload-artifact" in step.get("uses", ""))
    kept = of_gitlab["grade"]["artifacts"]
    assert upload["with"]["path"].split() == kept["paths"]
    assert {Path(path).name for path in kept["paths"]} == {"report.json", "report.md", "junit.xml"}
    assert (upload["if"], kept["when"]) == ("always()", "always")
    assert kept["reports"]["junit"] in kept["paths"]
    assert of_github["env"]["TORCH"] == of_gitlab["grade"]["variables"]["TORCH"] == "cpu"
    for path in (ON_GITHUB, ON_GITLAB):
        text = path.read_text(encoding="utf-8")
        assert "--min-score" not in text and f"`minimum` in {ASSIGNMENT}" in " ".join(text.replace("\n#", "").split())


def test_make_explains_each_of_its_targets():
    if not shutil.which("make"):
        pytest.skip("no make here")
    text = (HOUSE / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"\.PHONY: (.*)", text)[1].split()) - {"help", "env"}
    said = subprocess.run(["make", "-s"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    assert targets == set(re.findall(r"^make (\w+)", said, re.MULTILINE))
    for target in targets - {"clean"}:
        dry = subprocess.run(["make", "-n", target], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
        assert "make_env.py" in dry, f"{target} does not make the environment first"
