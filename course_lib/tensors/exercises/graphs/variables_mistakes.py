"""What goes wrong with variables, as code that runs: where a value is kept, when it is set, and under which key."""

from collections.abc import Callable, Collection, Hashable
from functools import partial

import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.tensors.exercises.graphs.variables import variables

Operation = Callable[[dict], Tensor]


class Almost:
    """The right variable, cut up so that each mistake changes one method."""

    def __init__(self, initial: Tensor):
        self.initial = self.own(initial)

    def own(self, value: Tensor | float) -> Tensor:
        return torch.as_tensor(value).clone()

    def key(self) -> Hashable:
        return self

    def find(self, memory: dict) -> Tensor:
        if self.key() not in memory:
            raise RuntimeError("no value in this session")
        return memory[self.key()]

    def keep(self, memory: dict, value: Tensor) -> Tensor:
        memory[self.key()] = value
        return value

    def add(self, memory: dict, value: Tensor | float) -> Tensor:
        return self.keep(memory, self.find(memory) + value)

    def initialise(self) -> Operation:
        return lambda memory: self.keep(memory, self.initial)

    def read(self) -> Operation:
        return self.find

    def assign(self, value: Tensor | float) -> Operation:
        return lambda memory: self.keep(memory, self.own(value))

    def assign_add(self, value: Tensor | float) -> Operation:
        return lambda memory: self.add(memory, value)


class OnTheNode(Almost):
    """Keeps its value itself."""

    value: Tensor | None = None

    def find(self, memory):
        if self.value is None:
            raise RuntimeError("no value yet")
        return self.value

    def keep(self, memory, value):
        self.value = value
        return value


@mistake(
    variables,
    "one whose value is kept by the variable, where every session finds it",
    ask="Two sessions use one variable. How many values has it then, and where is each of them?",
    look="self: there is one of it, however many sessions there are; each session brings a memory of its own.",
)
def _(initial):
    return OnTheNode(initial)


@mistake(
    variables,
    "one that has its initial value from the beginning, and keeps it itself",
    ask="Nobody has run initialise yet. Which session has already a value to read?",
    look="__init__: what is stored there is there before any session, and for all of them.",
)
def _(initial):
    variable = OnTheNode(initial)
    variable.value = variable.initial
    return variable


class AtOnce(OnTheNode):
    """Does what it is asked for when it is asked for it."""

    def initialise(self):
        return self._done(self.keep({}, self.initial))

    def assign(self, value):
        return self._done(self.keep({}, self.own(value)))

    def assign_add(self, value):
        return self._done(self.add({}, value))

    def _done(self, value):
        return lambda memory: value


@mistake(
    variables,
    "one that is assigned to while the operation is made",
    ask="You make add_one and never call it. What does the variable count?",
    look="the body of the methods: what is to happen later belongs inside the function that they return.",
)
def _(initial):
    return AtOnce(initial)


class WhenWritten(OnTheNode):
    """Does some of the operations when they are written; to run one of those only reads."""

    def __init__(self, initial: Tensor, hasty: Collection[str], begun: bool):
        super().__init__(initial)
        self.hasty = hasty
        self.value = self.initial if begun else None

    def assign(self, value):
        return self._now_or_later("assign", super().assign(value))

    def assign_add(self, value):
        return self._now_or_later("assign_add", super().assign_add(value))

    def _now_or_later(self, name: str, operation: Operation) -> Operation:
        if name not in self.hasty:
            return operation
        operation({})
        return self.find


for hasty in (("assign", "assign_add"), ("assign",), ("assign_add",)):
    for begun in (False, True):
        mistake(
            variables,
            f"one that acts when the operation is written ({' and '.join(hasty)})"
            + (", and has a value from the beginning" if begun else ""),
            ask="You write one operation and run it three times. Which line runs three times, and which once?",
            look=f"the body of {' and '.join(hasty)}: only what the inner function does is done when it is run.",
        )(partial(WhenWritten, hasty=hasty, begun=begun))


class SumAtOnce(AtOnce):
    """Adds while the operation is made, and keeps the sum when it is run."""

    def read(self):
        return lambda memory: Almost.find(self, memory)

    def _done(self, value):
        return lambda memory: Almost.keep(self, memory, value)


@mistake(
    variables,
    "one that works out the new value while the operation is made, and stores it when that is run",
    ask="One operation add_one, run three times: to which value does it add, the first time and the third?",
    look="where the sum is formed: before the inner function, or inside it?",
)
def _(initial):
    variable = SumAtOnce(initial)
    variable.value = variable.initial
    return variable


class SumOfInitial(Almost):
    """Adds to the initial value while the operation is made, and keeps the sum when it is run."""

    def assign_add(self, value):
        total = self.initial + value
        return lambda memory: self.keep(memory, total)


@mistake(
    variables,
    "one that acts when the operation is written: it adds there, to the initial value, and stores the sum when run",
    ask="You write one operation and run it three times. Which line runs three times, and which once?",
    look="where the sum is formed: before the inner function, or inside it, where the session's value is known?",
)
def _(initial):
    return SumOfInitial(initial)


class OneKey(Almost):
    def key(self):
        return "value"


@mistake(
    variables,
    "one that has the same key in the memory as every other variable",
    ask="Two variables in one session. Under which key does each find its own value?",
    look="memory[…]: what stands between the brackets, and who else uses it.",
)
def _(initial):
    return OneKey(initial)


class Forgiving(Almost):
    def find(self, memory):
        return memory.get(self.key(), self.initial)


@mistake(
    variables,
    "one that gives its initial value where the session has none",
    ask="Nobody has initialised the variable in this session. What should read say there?",
    look="the default: get(…, initial) and setdefault hide that something is missing.",
)
def _(initial):
    return Forgiving(initial)


class KeyMissing(Almost):
    def find(self, memory):
        return memory[self.key()]


@mistake(
    variables,
    "one that leaves a missing value to Python, which raises a KeyError",
    ask="Which error does a dict raise for a key that it has not got, and which one is asked for here?",
    look="memory[…]: before you read it, ask whether it is there.",
)
def _(initial):
    return KeyMissing(initial)


class Timid(Almost):
    def assign(self, value):
        return lambda memory: self.find(memory) is None or self.keep(memory, self.own(value))


@mistake(
    variables,
    "one that can only be assigned to where it has a value",
    ask="To set a variable to 7, do you need to know what it was before?",
    look="assign: only adding needs an old value.",
)
def _(initial):
    return Timid(initial)


class Replaced(Almost):
    def add(self, memory, value):
        self.find(memory)
        return self.keep(memory, self.own(value))


@mistake(
    variables,
    "one where adding replaces the value",
    ask="A counter of 5, and assign_add(2): what does it count?",
    look="assign_add: the old value has to be in the sum.",
)
def _(initial):
    return Replaced(initial)


class OldResult(Almost):
    def add(self, memory, value):
        old = self.find(memory)
        super().add(memory, value)
        return old


@mistake(
    variables,
    "one where adding returns the value of before",
    ask="count is 0. Which number does add_one hand back, and which does read hand back after it?",
    look="what assign_add's operation returns: the value that the variable has when it is done.",
)
def _(initial):
    return OldResult(initial)
