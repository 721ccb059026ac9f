"""What an exercise is: the functions it asks for, its cases in parts, and the mistakes it knows.

A chapter declares its exercises in its room's `exercises/`, one file a section:

    @exercise("recurrent.lstm.forget-gate", "forget_bias_for(steps, keep) -> bias", level="core", minutes=5)
    def forget_bias_for(rng):
        '''Which bias makes the forget gate keep a given share after so many steps?'''
        with part("one step", points=1):
            yield Case((1, 0.5), expected=0.0)

    @mistake(forget_bias_for, "the share divided by the steps", ask="What happens at the second step?", look="...")
    def _(steps, keep):
        return logit(keep / steps)

The right answer stands in `tests/answers/`; the mistakes stand here because `check` recognises them by running them.
"""

import difflib
import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

import course_lib
from course_lib.exercises.apart import fixed_randomness
from course_lib.exercises.values import plain


class UnknownExerciseError(LookupError):
    """No exercise has this id; the message says which ones come close."""


@dataclass(frozen=True)
class Part:
    """A named share of an exercise; its points are earned when all of its cases pass."""

    name: str
    points: float


_part: ContextVar[Part] = ContextVar("part")


@contextmanager
def part(name: str, *, points: float) -> Iterator[None]:
    """The cases made inside belong to the part of this name."""
    token = _part.set(Part(name, points))
    try:
        yield
    finally:
        _part.reset(token)


@dataclass(frozen=True, eq=False)
class Case:
    """One call of the learner's function, and what is wanted of it.

    Either `expected` holds the right result, or `test` says what is wrong with a result. Put the cases that can be
    checked by hand first: the first one that fails is the one shown.

    Args:
        inputs: handed over in this order, as fresh copies. Numbers, texts, tensors, arrays, and tuples, lists and dicts
            of them.
        via: how the answer is called where its inputs or results are not data (a module, a function), or where several
            calls belong together: a function of the course's, found by its name wherever the answer runs, that takes
            the learner's function and the inputs, and returns data.
        expected: the right result, or the right `view` of it.
        call: which function is called, where the exercise asks for several; by default the first.
        test: takes the result; returns None, or a sentence that names the violated property and the smallest input that
            shows it.
        view: what of the result counts, where several results are right (a bias: the share it leaves). It is compared
            with `expected`, and with what the known mistakes give.
        form: an example of a result, needed with `test` or `view`: results must have its kind and shapes.
        explain: takes a wrong result; says what follows from it, in place of «your … is …, wanted …».
        shown: these inputs in words, where the numbers are too many to print.
        because: why this case matters; shown at the second failure that no known mistake explains.
        rtol: share of the expected number by which a result may differ.
        atol: difference that is allowed on top of that.
    """

    inputs: tuple
    expected: Any = None
    call: str | None = None
    via: Callable[..., Any] | None = None
    test: Callable[[Any], str | None] | None = None
    view: Callable[[Any], Any] | None = None
    form: Any = None
    explain: Callable[[Any], str] | None = None
    shown: str | None = None
    because: str = ""
    rtol: float = 1e-5
    atol: float = 1e-5
    part: Part = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "inputs", plain(self.inputs))
        if (self.test or self.view) and self.form is None:
            raise ValueError("a Case with `test` or `view` needs `form`, an example of a result")
        if self.via and not getattr(self.via, "__qualname__", "").isidentifier():
            raise ValueError("`via` is a function at the top level of its module, so that it is found by its name")
        try:
            object.__setattr__(self, "part", _part.get())
        except LookupError:
            raise ValueError("make each Case inside `with part(name, points=...)`") from None


@dataclass(frozen=True, eq=False)
class Mistake:
    """A wrong answer that learners are likely to give, runnable.

    Args:
        name: completes the sentence «It behaves like …».
        run: the wrong function.
        call: the name of the function that it stands in for.
        ask: a question that leads to the mistake without naming it.
        look: the place to look, shown when the same mistake comes again.
    """

    name: str
    run: Callable
    call: str
    ask: str
    look: str


@dataclass(frozen=True)
class Asked:
    """A function that the learner writes: its name, its arguments, and what its results are called."""

    name: str
    arguments: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    @classmethod
    def parse(cls, signature: str) -> "Asked":
        """Read "lstm_cell(x, h, c) -> h, c".

        Raises:
            ValueError: the text has another form.
        """
        found = re.fullmatch(r"(\w+)\(([\w, ]*)\)(?: -> ([\w, -]+))?", signature)
        if not found:
            raise ValueError(f"{signature!r} does not read like 'name(argument, argument) -> result, result'")
        name, *lists = found.groups(default="")
        return cls(name, *(tuple(word.strip() for word in words.split(",") if word.strip()) for words in lists))


@dataclass(eq=False)
class Exercise:
    """An exercise as declared by `@exercise`; its mistakes are added by `@mistake`."""

    id: str
    title: str
    level: Literal["core", "more"]
    minutes: int
    asked: tuple[Asked, ...]
    draw: Callable[[np.random.Generator], Iterator[Case]]
    without: tuple[str, ...] = ()
    blanks: int = 1
    keeps_inputs: bool = False
    seconds: float = 5.0
    mistakes: list[Mistake] = field(default_factory=list)
    _drawn: dict[int, list[Case]] = field(default_factory=dict, repr=False)

    @property
    def section(self) -> str:
        """The section that it belongs to, by its module's name: course_lib.recurrent.exercises.gates."""
        return ".".join(self.draw.__module__.split(".")[:4])  # a section is a file, or a folder of files

    @property
    def points(self) -> float:
        """What a right answer earns."""
        return sum(part.points for part in self.parts(self.cases(seed=0)))

    def cases(self, seed: int) -> list[Case]:
        """The cases that this seed draws; another seed draws other numbers, never other kinds of case.

        The last ones are kept, since a class is graded with one seed. PyTorch's own random state is left as it was.
        """
        if seed not in self._drawn:
            with fixed_randomness(seed):  # for a reference that draws weights of its own
                self._drawn = {seed: list(self.draw(np.random.default_rng(seed)))}
        return self._drawn[seed]

    @staticmethod
    def parts(cases: list[Case]) -> list[Part]:
        """The parts of these cases, in order."""
        return list(dict.fromkeys(case.part for case in cases))

    def function(self, case: Case) -> Asked:
        """The function that this case calls."""
        return self.asked[0] if case.call is None else next(asked for asked in self.asked if asked.name == case.call)

    def known(self, name: str) -> Mistake:
        """The mistake of this name."""
        return next(known for known in self.mistakes if known.name == name)


_exercises: dict[str, Exercise] = {}


def exercise(
    id: str,
    *asked: str,
    level: Literal["core", "more"],
    minutes: int,
    title: str = "",
    without: tuple[str, ...] | list[str] = (),
    blanks: int = 1,
    keeps_inputs: bool = False,
    seconds: float = 5.0,
) -> Callable[[Callable[[np.random.Generator], Iterator[Case]]], Exercise]:
    """Declare an exercise; the decorated function draws its cases.

    Args:
        id: room and topic, as in the syllabus: "recurrent.lstm".
        asked: what the learner writes, in the order in which `check` takes it: "lstm_cell(x, h, c) -> h, c". By default
            one function, named like the decorated one.
        level: "core", or "more" for what is folded away at the end of a section.
        minutes: how long a learner needs.
        title: by default the first line of the docstring.
        without: operations that the answer may not use, by the names under which PyTorch records them ("lstm_cell").
        blanks: how many `...` the untouched answer cell holds in each function.
        keeps_inputs: an answer that changes its inputs in place is wrong.
        seconds: limit for one call; four times as much for all of them.
    """

    def declare(draw: Callable[[np.random.Generator], Iterator[Case]]) -> Exercise:
        if id in _exercises and _exercises[id].draw.__module__ != draw.__module__:
            raise ValueError(f"the exercise {id!r} is declared in {_exercises[id].draw.__module__} already")
        signatures = tuple(map(Asked.parse, asked)) or (Asked(draw.__name__),)
        headline = title or (draw.__doc__ or id).strip().splitlines()[0]
        declared = Exercise(
            id, headline, level, minutes, signatures, draw, tuple(without), blanks, keeps_inputs, seconds
        )
        _exercises[id] = declared
        return declared

    return declare


def mistake(of: Exercise, name: str, *, ask: str, look: str, call: str | None = None) -> Callable[[Callable], Callable]:
    """Declare a runnable mistake, see `Mistake`; `call` names the function it stands in for, by default the first."""

    def declare(run: Callable) -> Callable:
        of.mistakes.append(Mistake(name, run, call or of.asked[0].name, ask, look))
        return run

    return declare


def get(id: str) -> Exercise:
    """The exercise of this id; its chapter's room is imported only now.

    Raises:
        UnknownExerciseError: there is none.
    """
    if id not in _exercises:
        room = id.partition(".")[0]
        _import_exercises({"start": "start_here"}.get(room, room))
    if id not in _exercises:
        close = difflib.get_close_matches(id, [known.id for known in registry()], n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise UnknownExerciseError(f"There is no exercise {id!r}.{hint}")
    return _exercises[id]


def registry() -> list[Exercise]:
    """Every exercise of every chapter, ordered by where it is declared."""
    for room in _rooms():
        _import_exercises(room)
    return sorted(_exercises.values(), key=lambda known: known.section)  # stable: in a section, as declared


@functools.cache  # every submission asks for the registry
def _rooms() -> tuple[str, ...]:
    packages = (module.name for module in iter_modules(course_lib.__path__) if module.ispkg)
    return tuple(name for name in packages if name != "exercises")


@functools.cache
def _import_exercises(room: str) -> None:
    package = f"course_lib.{room}.exercises"
    if not room.isidentifier() or not any(Path(folder, room, "exercises").is_dir() for folder in course_lib.__path__):
        return  # asked of the disk: `find_spec` would import the room, with Matplotlib and what else it needs
    for module in iter_modules(import_module(package).__path__):
        import_module(f"{package}.{module.name}")


def randn(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    """Normal random numbers as a float32 tensor, the same for a seed on every machine."""
    return torch.from_numpy(rng.normal(scale=scale, size=shape)).float()
