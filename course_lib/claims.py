"""A claim of the sources, the experiment that settles it, the verdict it computes.

Nobody types a verdict: a claim names its conditions, each is found true or false by running code, and together they say
whether the claim holds, fails, or depends.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from course_lib.paths import repository

Verdict = Literal["holds", "fails", "depends"]


@dataclass(frozen=True)
class Claim:
    """A claim with what was found.

    Attributes:
        id: the syllabus topic and the claim's number, such as "recurrent.lstm#2".
        says: what the sources say.
        conditions: each way in which it could be true -> whether it was found so.
    """

    id: str
    says: str
    conditions: Mapping[str, bool]

    @property
    def verdict(self) -> Verdict:
        """All conditions true: holds; none: fails; some: depends."""
        found = list(self.conditions.values())
        return "holds" if all(found) else "depends" if any(found) else "fails"

    def __str__(self) -> str:
        rows = [f"  {'yes' if found else 'no ':3} {condition}" for condition, found in self.conditions.items()]
        return "\n".join([f"«{self.says}»", *rows, f"  → {self.verdict}"])

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), CLAIM: {"id": self.id, "says": self.says, "conditions": dict(self.conditions),
                                                 "verdict": self.verdict}}  # fmt: skip


CLAIM = "application/vnd.course.claim+json"  # by which a notebook's output can be found as a claim again


def settle(id: str, says: str, conditions: Mapping[str, bool]) -> Claim:
    """Settle a claim by what was found.

    Args:
        id: the syllabus topic and the claim's number.
        says: what the sources say.
        conditions: what was looked at -> what was found; anything that is true or false, such as a tensor of one bool.

    Raises:
        ValueError: there is no condition, so nothing was looked at.
        TypeError: a condition is not true or false.
    """
    if not conditions:
        raise ValueError(f"{id}: a claim is settled by at least one condition")
    found = {}
    for condition, value in conditions.items():
        value = value.item() if hasattr(value, "item") else value
        if not isinstance(value, bool):
            raise TypeError(f"{id}: «{condition}» must be found true or false, not {value!r}")
        found[condition] = value
    return Claim(id, says, found)


@dataclass(frozen=True)
class Ledger:
    """Claims as the book's notebooks settled them, shown as a page.

    Attributes:
        rows: the notebook's path from the notebooks' folder, its title, the claim.
    """

    rows: Sequence[tuple[str, str, Claim]]

    def only(self, verdict: Verdict) -> "Ledger":
        """The claims with this verdict."""
        return Ledger([row for row in self.rows if row[2].verdict == verdict])

    def __repr__(self) -> str:
        return "\n".join(str(claim) for _, _, claim in self.rows) or "none"

    def _repr_markdown_(self) -> str:
        lines, section = [], None
        for path, title, claim in self.rows:
            if path != section:
                lines.append(f"\n**[{title}]({path})**\n")
                section = path
            found = "; ".join(f"{condition}: {'yes' if yes else 'no'}" for condition, yes in claim.conditions.items())
            lines.append(f"- «{claim.says}» {found}.")
        return "\n".join(lines) or "None so far."


def settled(notebooks: Path | None = None) -> Ledger:
    """Every claim that the notebooks, as they are saved, have settled.

    Args:
        notebooks: their folder; by default that of the workbook.
    """
    folder = notebooks or repository() / "notebooks"
    rows = []
    for path in sorted(folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].lstrip("# ")
        for cell in cells:
            for output in cell.get("outputs", []):
                if CLAIM in output.get("data", {}):
                    kept = output["data"][CLAIM]
                    claim = Claim(kept["id"], kept["says"], kept["conditions"])
                    rows.append((path.relative_to(folder).as_posix(), title, claim))
    return Ledger(rows)
