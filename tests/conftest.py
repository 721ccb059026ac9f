"""What every test shares: a progress file of its own, one training cache, one thread, no progress bars.

Set in the environment before anything is imported, so that notebook kernels, command lines and grading children that a
test starts inherit it.
"""

import os
import tempfile
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

REPOSITORY = Path(__file__).resolve().parent.parent
_scratch = tempfile.TemporaryDirectory(prefix="course-tests-")  # one a process; removed when the process ends

os.environ["COURSE_PROGRESS"] = str(Path(_scratch.name, "progress.json"))  # never the learner's own
os.environ.setdefault("COURSE_CACHE", str(REPOSITORY / ".cache"))  # kept between runs: a second run trains nothing
os.environ.setdefault("COURSE_DEVICE", "cpu")
os.environ.update(COURSE_THREADS="1", OMP_NUM_THREADS="1", TQDM_DISABLE="1")
os.environ["COURSE_STRICT"] = "1"  # explorers raise what they would otherwise only show
os.environ["IPYTHONDIR"] = str(Path(_scratch.name, "ipython"))  # no start-up files or settings of whoever tests
os.environ["JUPYTER_CONFIG_DIR"] = str(Path(_scratch.name, "jupyter"))


@pytest.fixture
def progress_path(tmp_path, monkeypatch) -> Path:
    """A progress file for this one test."""
    path = tmp_path / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


class ByNotebook(LoadScopeScheduling):
    """Test files and notebooks stay whole, as with `loadscope`, but tests that run a notebook each are spread out."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if "with_answers" in nodeid else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return ByNotebook(config, log) if config.getvalue("dist") == "loadscope" else None
