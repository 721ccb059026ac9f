"""What exercises about words share: the entries of the words that came, and a look at lists of words."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from course_lib.exercises.values import with_article


def picked(rows: Tensor, targets: Tensor) -> Tensor:
    """From each row (..., V) the entry of its target (...): (...)."""
    return rows.gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def list_of_words(returned: Any, function: str) -> Sequence[str]:
    """What a function returned.

    Raises:
        TypeError: it is no list of words; the text says which function returned what.
    """
    is_list = isinstance(returned, (list, tuple))
    if is_list and all(isinstance(word, str) for word in returned):
        return returned
    what = with_article("list of other things" if is_list else type(returned).__name__)
    raise TypeError(f"{function} should return a list of words, and returned {what}")
