"""The shared package of the workbook: models, data sets, figures, explorers, exercises.

What every notebook needs is offered here by name and loaded only when it is used, so that importing the package costs
next to nothing.
"""

from importlib import import_module

__version__ = "0.1.0"

_WHERE = {
    "start": "course_lib.device",
    "fit": "course_lib.training",
    "Batches": "course_lib.training",
    "record": "course_lib.recording",
    "Clamp": "course_lib.recording",
    "check": "course_lib.exercises",
    "settle": "course_lib.claims",
    "show_source": "course_lib.sources",
}


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"course_lib has no {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_WHERE]
