import os

import pytest

from course_lib import paths


def test_the_repository_holds_the_package_and_the_notebooks():
    assert (paths.repository() / "course_lib" / "paths.py").is_file()
    assert (paths.repository() / "notebooks").is_dir()
    assert paths.data_folder() == paths.repository() / "data"


@pytest.mark.parametrize(
    "variable, path, default",
    [
        ("COURSE_CACHE", paths.cache_folder, ".cache"),
        ("COURSE_PROGRESS", paths.progress_file, ".progress/progress.json"),
    ],
)
def test_the_environment_can_move_what_is_written(variable, path, default, monkeypatch, tmp_path):
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    assert path() == tmp_path / "elsewhere"
    monkeypatch.setenv(variable, "")
    assert path() == paths.repository() / default
    monkeypatch.delenv(variable)
    assert path() == paths.repository() / default


def test_files_are_written_whole_and_folders_made(tmp_path):
    file = tmp_path / "a" / "b" / "file"
    paths.write_atomically(file, "é\n")
    assert file.read_bytes() == b"\xc3\xa9\n"
    paths.write_atomically(str(file), b"\x00")
    assert file.read_bytes() == b"\x00"
    assert os.listdir(file.parent) == ["file"]


def test_an_interrupted_write_keeps_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "file"
    paths.write_atomically(file, "old")

    def fails(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="no space"):
        paths.write_atomically(file, "new")
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
