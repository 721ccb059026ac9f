import pytest

from course_lib.explorers.rooms import every_explorer


@pytest.fixture(autouse=True)
def strict(monkeypatch, progress_path):
    """A failure in a callback fails the test; progress goes to a file of the test's own."""
    monkeypatch.setenv("COURSE_STRICT", "1")


def pytest_generate_tests(metafunc):
    if "explorer_class" in metafunc.fixturenames:
        classes = every_explorer()
        metafunc.parametrize("explorer_class", classes, ids=[found.__name__ for found in classes])
