"""What a learner has done so far: exercises, predictions and quests, kept between sittings in one small JSON file.

Every change reads the file, changes it and replaces it while holding a lock, so that two notebooks open at once lose
nothing. Where the file cannot be written, the workbook says so once and goes on in memory; where it cannot be read, the
damaged file is put aside and a new one begins.
"""

import itertools
import json
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from course_lib import __version__
from course_lib.paths import progress_file, write_atomically

SECONDS_TO_WAIT = 10.0  # for another notebook that holds the lock; a write takes milliseconds

_pending: list[Callable[[dict], Any]] = []  # changes that have not reached the file
_said: set[str] = set()


def attempt(exercise_id: str, points: float, out_of: float, mistake: str | None = None) -> int:
    """Note one checked answer; the best points stay.

    Args:
        exercise_id: for example "recurrent.lstm".
        points: what this answer earned.
        out_of: what a right answer earns.
        mistake: what went wrong, by name; None if nothing did.

    Returns:
        how many times in a row this same mistake was made, this one counted; 0 without a mistake
    """

    def change(data: dict) -> int:
        new = {"points": 0, "attempts": 0, "in_a_row": 0, "last_mistake": None, "mistakes": {}}
        row = data["exercises"].setdefault(exercise_id, new)
        row["points"] = min(max(row["points"], points), out_of)  # a later version may give fewer points
        row["in_a_row"] = row["in_a_row"] + 1 if mistake and mistake == row["last_mistake"] else int(bool(mistake))
        row.update(out_of=out_of, attempts=row["attempts"] + 1, last_mistake=mistake, when=date.today().isoformat())
        if mistake:
            row["mistakes"][mistake] = row["mistakes"].get(mistake, 0) + 1
        return row["in_a_row"]

    return _change(change)


def note_prediction(explorer: str, question: str, picked: Any, sure: bool, result: Any) -> None:
    """Note what the learner expected of an explorer, how sure they were, and what came out; never graded."""

    def change(data: dict) -> None:
        data["predictions"][explorer] = {
            "question": question,
            "picked": picked,
            "sure": bool(sure),
            "result": result,
            "when": date.today().isoformat(),
        }

    _change(change)


def prediction(explorer: str) -> dict | None:
    """The learner's latest prediction in this explorer: question, picked, sure, result, when."""
    return load()["predictions"].get(explorer)


def note_quest(explorer: str, quest: str) -> None:
    """Note that a quest of an explorer is done."""

    def change(data: dict) -> None:
        done = data["quests"].setdefault(explorer, [])
        if quest not in done:
            done.append(quest)

    _change(change)


def quests_done(explorer: str) -> set[str]:
    """The quests of this explorer that are done."""
    return set(load()["quests"].get(explorer, []))


def note_recall(question: str, right: bool) -> None:
    """Note whether the learner had the answer to a question from memory, by their own judgement."""

    def change(data: dict) -> None:
        data.setdefault("recalled", {})[question] = bool(right)

    _change(change)


def recalled() -> dict[str, bool]:
    """Question -> whether the learner had its answer when last asked."""
    return load().get("recalled", {})


def surprises() -> list[dict]:
    """The predictions that came out otherwise, those the learner was sure of first."""
    wrong = [
        {"explorer": explorer, **said}
        for explorer, said in load()["predictions"].items()
        if said["picked"] != said["result"]
    ]
    return sorted(wrong, key=lambda said: not said["sure"])


def load() -> dict:
    """All that is kept: a dict with "exercises", "predictions" and "quests"."""
    path = progress_file()
    try:
        data = _parse(path.read_bytes())  # needs no lock: the file is replaced in one move
    except FileNotFoundError:
        data = _empty()
    except ValueError:
        return _change(lambda data: data)  # puts the damaged file aside
    except OSError as problem:
        _say_unusable(path, problem)
        data = _empty()
    return _with_pending(data)


def summary() -> str:
    """The learner's progress as plain text, for `course progress` and the start page."""
    data = load()
    lines = _exercise_lines(data["exercises"]) + _prediction_lines(data["predictions"]) + _quest_lines(data["quests"])
    return "\n".join(lines) or "Nothing done yet. Open notebooks/00_start_here.ipynb and check its first exercise."


def _exercise_lines(exercises: dict[str, dict]) -> list[str]:
    if not exercises:
        return []
    points, out_of = (sum(row[key] for row in exercises.values()) for key in ("points", "out_of"))
    width = max(map(len, exercises))
    lines = [f"Exercises tried: {len(exercises)}, with {points:g} of {out_of:g} points"]
    for name, row in sorted(exercises.items()):
        solved = row["points"] >= row["out_of"]
        last = "" if solved or not row["last_mistake"] else f" · last time: {row['last_mistake']}"
        lines.append(f"  {'✓' if solved else ' '} {name:{width}}   {row['points']:g} of {row['out_of']:g}{last}")
    return lines


def _prediction_lines(predictions: dict[str, dict]) -> list[str]:
    if not predictions:
        return []
    wrong = surprises()
    lines = [f"Predictions: {len(predictions)}, of which {len(wrong)} came out otherwise"]
    for said in wrong:
        how = "sure" if said["sure"] else "a guess"
        lines.append(f"    {said['question']} You said {said['picked']} ({how}); it was {said['result']}.")
    return lines


def _quest_lines(quests: dict[str, list[str]]) -> list[str]:
    if not quests:
        return []
    return [f"Quests done: {sum(map(len, quests.values()))}"] + [
        f"    {explorer}: {', '.join(done)}" for explorer, done in sorted(quests.items())
    ]


def _change(change: Callable[[dict], Any]) -> Any:
    """Apply a change to the file, after those that could not be written before, and return what it returns."""
    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=SECONDS_TO_WAIT):
            data = _with_pending(_read_or_put_aside(path))
            result = change(data)
            data["version"] = __version__
            write_atomically(path, json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n")
            _pending.clear()
            return result
    except (OSError, Timeout) as problem:
        _say_unusable(path, problem)
        result = change(_with_pending(_read_or_empty(path)))
        _pending.append(change)
        return result


def _with_pending(data: dict) -> dict:
    for change in _pending:
        change(data)
    return data


def _read_or_put_aside(path: Path) -> dict:
    try:
        return _parse(path.read_bytes())
    except FileNotFoundError:
        return _empty()
    except ValueError:
        names = (path.with_name(f"{path.stem}.damaged-{n}{path.suffix}") for n in itertools.count(1))
        aside = next(name for name in names if not name.exists())
        os.replace(path, aside)
        _say(
            f"damaged {path}",
            f"The progress file {path} was damaged. It is kept beside it as {aside.name}, and a new one begins.",
        )
        return _empty()


def _read_or_empty(path: Path) -> dict:
    try:
        return _parse(path.read_bytes())
    except (OSError, ValueError):
        return _empty()


def _parse(content: bytes) -> dict:
    """The file's content.

    Raises:
        ValueError: these bytes are not a progress file.
    """
    data = json.loads(content)
    try:
        for row in data["exercises"].values():
            _ = row["points"] + row["out_of"] + row["attempts"], row["in_a_row"] + 1, row["last_mistake"]
            _ = row["mistakes"].items()
        for said in data["predictions"].values():
            _ = said["question"], said["picked"], said["sure"], said["result"]
        for done in data["quests"].values():
            _ = ", ".join(done)
    except (TypeError, KeyError, AttributeError) as problem:
        raise ValueError("this JSON is not a progress file") from problem
    return data


def _empty() -> dict:
    return {"version": __version__, "exercises": {}, "predictions": {}, "quests": {}}


def _say_unusable(path: Path, problem: OSError | Timeout) -> None:
    why = "another program holds its lock" if isinstance(problem, Timeout) else problem.strerror or str(problem)
    _say(
        f"unusable {path}",
        f"Your progress cannot be kept in {path} ({why}). It is kept in memory until this notebook closes; "
        "to keep it for good, set COURSE_PROGRESS to a file that you may write.",
    )


def _say(about: str, sentence: str) -> None:
    """Print a warning, once a process: whoever checks twenty exercises needs to read it only once."""
    if about not in _said:
        _said.add(about)
        print(sentence, file=sys.stderr)
