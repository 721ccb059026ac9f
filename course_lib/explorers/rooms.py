"""Finding the explorers of all rooms."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import course_lib
from course_lib.explorers.base import Explorer


def every_explorer() -> list[type[Explorer]]:
    """Every explorer of the book, by name; imports the rooms' explorers."""
    for module in pkgutil.walk_packages(course_lib.__path__, "course_lib."):
        if ".explorers." in module.name:
            import_module(module.name)
    ours = [found for found in _below(Explorer) if found.__module__.startswith("course_lib.")]
    return sorted(ours, key=lambda found: found.__name__)


def _below(kind: type[Explorer]) -> Iterator[type[Explorer]]:
    """Its subclasses, and theirs."""
    for found in kind.__subclasses__():
        yield found
        yield from _below(found)
