"""Larger figures, computed once by `make results` and plotted with their provenance.

What takes minutes is not computed while a learner waits: a chapter's `results.py` computes it under the profile
`study`, and `data/results/<name>.json` keeps the values with the command, the code's fingerprint, the machine and the
date. A slow test computes one again.
"""

import importlib
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import click
import torch
from tqdm import tqdm

from course_lib import __version__
from course_lib.device import start
from course_lib.fingerprints import fingerprint
from course_lib.paths import data_folder, write_atomically

CHAPTERS = ("tensors", "foundations", "recurrent")
REGISTRY: dict[str, Callable[[], dict]] = {}


@dataclass(frozen=True)
class Result:
    """A kept result.

    Attributes:
        name: its file's name in `data/results`, without the ending.
        values: what was computed.
        provenance: command, code, course, torch, machine, made.
    """

    name: str
    values: dict
    provenance: dict

    def caption(self) -> str:
        """Where the numbers come from, in one line for under a figure."""
        made = self.provenance
        return f"{made['command']}, {made['made']}, torch {made['torch']}, {made['machine']}"


def result(name: str) -> Callable[[Callable[[], dict]], Callable[[], dict]]:
    """Register a function without arguments that computes a result: lists, dicts, numbers and words."""

    def register(compute: Callable[[], dict]) -> Callable[[], dict]:
        if name in REGISTRY:
            raise ValueError(f"there are two results named {name!r}")
        REGISTRY[name] = compute
        return compute

    return register


def load_result(name: str) -> Result:
    """A result that `make results` has computed.

    Raises:
        FileNotFoundError: it has not; the text says how to.
    """
    path = data_folder() / "results" / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(f"there is no {path.name} in data/results: compute it with `course results {name}`")
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Result(name, kept["values"], kept["provenance"])


def registered() -> dict[str, Callable[[], dict]]:
    """Every chapter's results by name."""
    for chapter in CHAPTERS:
        importlib.import_module(f"course_lib.{chapter}.results")
    return REGISTRY


@click.command("results")
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Compute the larger figures that notebooks plot, into data/results: all, or those NAMED."""
    known = registered()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"there is no result {unknown[0]!r}; there are: {', '.join(known)}")
    start("study")
    for name in tqdm(names or list(known), unit="result"):
        values = known[name]()
        provenance = {
            "command": f"course results {name}",
            "code": fingerprint(known[name])[:16],
            "course": __version__,
            "torch": torch.__version__.partition("+")[0],
            "machine": f"{platform.machine()}, {'GPU' if torch.cuda.is_available() else 'CPU'}",
            "made": datetime.now(UTC).date().isoformat(),
        }
        text = json.dumps({"provenance": provenance, "values": values}, indent=1, ensure_ascii=False) + "\n"
        write_atomically(data_folder() / "results" / f"{name}.json", text)
