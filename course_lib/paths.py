"""Where things live: the repository, its data, the cache of trained models, the learner's progress."""

import os
import uuid
from pathlib import Path


def repository() -> Path:
    """The folder that holds `notebooks/` and `course_lib/`."""
    return Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """Small files that come with the workbook, each with the script that made it."""
    return repository() / "data"


def cache_folder() -> Path:
    """Where finished trainings are kept; the environment variable COURSE_CACHE names another folder."""
    return _from_environment("COURSE_CACHE", repository() / ".cache")


def progress_file() -> Path:
    """The learner's progress; the environment variable COURSE_PROGRESS names another file."""
    return _from_environment("COURSE_PROGRESS", repository() / ".progress" / "progress.json")


def write_atomically(path: Path | str, content: bytes | str) -> None:
    """Write a file so that whoever reads it sees the old content or the new, never half of it.

    Args:
        path: the file; folders that are missing are made.
        content: text is written as UTF-8, with the line ends that it has.

    Raises:
        OSError: the folder or the file cannot be written; an old file stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")  # on the same disk, so that replacing is one move
    try:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def remove_half_written(folder: Path) -> None:
    """Remove what `write_atomically` has left in a folder where its process was killed; nobody may be writing there."""
    for beside in folder.glob(f".*.{'[0-9a-f]' * 8}"):
        beside.unlink(missing_ok=True)


def _from_environment(variable: str, default: Path) -> Path:
    value = os.environ.get(variable)
    return Path(value).expanduser().resolve() if value else default
