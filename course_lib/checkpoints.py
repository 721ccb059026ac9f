"""Trained models that are kept: trainings in the cache, named by what made them, and the models that are shipped."""

import hashlib
import io
import json
import pickle
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import safetensors.torch
import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn

from course_lib import __version__
from course_lib.paths import cache_folder, repository, write_atomically
from course_lib.screen import say

KEEP_DAYS = 90  # a training that was not loaded for so long is thrown away


class CheckpointError(RuntimeError):
    """A shipped model is missing or damaged."""


@dataclass(frozen=True)
class SavedModel:
    """A shipped model as it was saved.

    Attributes:
        state_dict: name -> weights, on the CPU.
        config: the arguments that build the model.
        vocabulary: what its token numbers stand for, None for a model without tokens.
        made_by: the command that trained it.
        scores: what it reached, name -> number.
    """

    state_dict: dict[str, Tensor]
    config: dict
    vocabulary: list[str] | None
    made_by: str
    scores: dict[str, float]


def save_model(
    path: Path | str,
    model: nn.Module,
    *,
    config: dict,
    vocabulary: list[str] | None,
    made_by: str,
    scores: dict[str, float],
) -> None:
    """Write a model's weights as safetensors, and beside them a JSON file that says what they are.

    Args:
        path: the weights' file, `name.safetensors`; the other one is `name.json`.
        model: its `state_dict` is kept; a tensor with two names (tied weights) is written once.
        config, vocabulary, made_by, scores: see `SavedModel`.

    Raises:
        ValueError: the path does not end in .safetensors.
        OSError: the files cannot be written.
    """
    weights, sidecar = _files(path)
    kept, same = _weights(model)
    content = safetensors.torch.save(kept)
    about = {
        "made_by": made_by,
        "made": datetime.now(UTC).date().isoformat(),
        "course": __version__,
        "torch": torch.__version__,
        "sha256": hashlib.sha256(content).hexdigest(),
        "config": config,
        "scores": scores,
        "same": same,
        "vocabulary": vocabulary,
    }
    description = json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(weights, content)
    write_atomically(sidecar, description)


def load_model(path: Path | str) -> SavedModel:
    """Read what `save_model` wrote.

    Raises:
        CheckpointError: a file is missing or damaged, or the two do not belong together.
    """
    weights, sidecar = _files(path)
    saved = None
    try:
        about = json.loads(sidecar.read_text(encoding="utf-8"))
        saved = SavedModel({}, *(about[key] for key in ("config", "vocabulary", "made_by", "scores")))
        promised, content = about["sha256"], weights.read_bytes()
    except OSError as error:
        remedy = _remedy(weights, saved)
        raise CheckpointError(f"{error.filename} cannot be read ({error.strerror}); {remedy}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{sidecar} is damaged; {_remedy(weights, saved)}.") from error
    if hashlib.sha256(content).hexdigest() != promised:
        remedy = _remedy(weights, saved)
        raise CheckpointError(f"{weights} is not the file that {sidecar.name} describes; {remedy}.")
    saved.state_dict.update(safetensors.torch.load(content))
    saved.state_dict.update({name: saved.state_dict[first] for name, first in about.get("same", {}).items()})
    return saved


def _weights(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Name -> weights on the CPU, each tensor once; and further names of a tensor -> its first name."""
    names: dict[tuple, str] = {}
    kept, same = {}, {}
    for name, tensor in model.state_dict().items():
        first = names.setdefault((tensor.data_ptr(), tensor.shape, tensor.stride()), name)
        if first == name:
            kept[name] = tensor.detach().cpu().contiguous().clone()
        else:
            same[name] = first
    return kept, same


def _remedy(weights: Path, saved: SavedModel | None) -> str:
    """The commands that bring a model's two files back; how it was made is only known where its description is."""
    folder = weights.parent.resolve()
    if folder.is_relative_to(repository()):
        folder = folder.relative_to(repository())
    back = f"`git checkout -- {shlex.quote(folder.as_posix())}` brings the model back"
    return f"{back}, `{saved.made_by}` makes it anew" if saved else back


def _files(path: Path | str) -> tuple[Path, Path]:
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"a shipped model's file ends in .safetensors, and {path.name!r} does not")
    return path, path.with_suffix(".json")


class KeptTraining:
    """One training in the cache: its result once it is finished, until then where it stands.

    Nothing here stops a training: what cannot be read is trained again, what cannot be written is said once.

    Args:
        file: where the result goes; None keeps nothing.
    """

    def __init__(self, file: Path | None):
        self.file = file
        self.unfinished = file and file.with_suffix(".unfinished")

    def load(self) -> dict | None:
        """The state that was kept, finished or not; None if there is none that can be read."""
        return _read(self.file) or _read(self.unfinished)

    def save(self, state: dict, *, finished: bool) -> bool:
        """Keep the training's result, or where it stands; returns whether that worked."""
        if self.file is None:
            return False
        buffer = io.BytesIO()
        try:
            torch.save(state, buffer)
            content = buffer.getvalue()
            write_atomically(self.file if finished else self.unfinished, hashlib.sha256(content).digest() + content)
            if finished:
                self.unfinished.unlink(missing_ok=True)
                _throw_old_away(self.file.parent)
        except (OSError, pickle.PicklingError, TypeError, AttributeError) as error:
            _cannot_keep(self.file.parent, str(error))
            self.file = self.unfinished = None
            return False
        return True


@contextmanager
def kept_training(name: str, key: str | None) -> Iterator[KeptTraining]:
    """Open a training in the cache, for one process at a time: whoever comes second waits, then loads.

    Args:
        name: what people call the training; a part of the file's name.
        key: the fingerprint of all that decides the result; None keeps nothing.
    """
    if key is None:
        yield KeptTraining(None)
        return
    readable = "".join(letter if letter.isalnum() else "-" for letter in name)[:40]
    file = cache_folder() / f"{readable}-{key[:32]}.training"
    lock = FileLock(file.with_suffix(".lock"))
    with suppress(OSError):  # where nothing can be locked, there may still be something to read
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"{name}: the same training runs elsewhere; waiting for its result", progress=True)
            lock.acquire()
    try:
        yield KeptTraining(file)
    finally:
        lock.release()


def _read(file: Path | None) -> dict | None:
    """What `KeptTraining.save` wrote; None, and a sentence, if it is damaged."""
    if file is None or not file.exists():
        return None
    try:
        content = file.read_bytes()
        digest, content = content[:32], content[32:]
        if hashlib.sha256(content).digest() != digest:
            raise ValueError("the file is damaged")
        with suppress(OSError):  # of a cache that can only be read
            file.touch()  # not old, for `_throw_old_away`
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (OSError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        say(f"The kept training {file.name} cannot be read ({error}), so it is trained again.")
        return None


def _throw_old_away(folder: Path) -> None:
    for file in [*folder.glob("*.training"), *folder.glob("*.unfinished")]:  # no locks: they may be in use
        if time.time() - file.stat().st_mtime > KEEP_DAYS * 24 * 3600:
            file.unlink(missing_ok=True)


@cache
def _cannot_keep(folder: Path, reason: str) -> None:  # cached: said once
    say(f"Trainings cannot be kept in {folder} ({reason}) and start anew each time; COURSE_CACHE names another folder.")
