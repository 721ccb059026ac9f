"""A claim of the sources, the experiment that settles it, the verdict it computes.

Nobody types a verdict: a claim names its conditions, each is found true or false by running code, and together they say
whether the claim holds, fails, or depends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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
