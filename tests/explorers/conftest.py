import importlib
import pkgutil

import pytest

import course_lib
from course_lib.explorers import Explorer


def all_explorers() -> list[type[Explorer]]:
    """Every explorer of every room."""
    for room in pkgutil.iter_modules(course_lib.__path__, "course_lib."):
        if room.ispkg and importlib.util.find_spec(f"{room.name}.explorers"):
            package = importlib.import_module(f"{room.name}.explorers")
            for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
                importlib.import_module(module.name)
    ours = [found for found in Explorer.__subclasses__() if found.__module__.startswith("course_lib.")]
    return sorted(ours, key=lambda found: found.__name__)


@pytest.fixture(autouse=True)
def strict(monkeypatch, progress_path):
    """A failure in a callback fails the test; progress goes to a file of the test's own."""
    monkeypatch.setenv("COURSE_STRICT", "1")


def pytest_generate_tests(metafunc):
    if "explorer_class" in metafunc.fixturenames:
        classes = all_explorers()
        metafunc.parametrize("explorer_class", classes, ids=[found.__name__ for found in classes])
