"""What goes wrong with a variable's tensors, as code that runs: one tensor with several owners, changed in place."""

import torch

from course_lib.exercises import mistake
from course_lib.tensors.exercises.graphs.variables import variables
from course_lib.tensors.exercises.graphs.variables_mistakes import Almost


class InPlace(Almost):
    """Adds in place, to a copy of the initial value."""

    def keep(self, memory, value):
        return super().keep(memory, value.clone() if value is self.initial else value)

    def add(self, memory, value):
        held = self.find(memory)
        held += value
        return held


@mistake(
    variables,
    "one that adds in place, so that what was read or assigned before changes with it",
    ask="You read 2, somebody adds 1, and you look once more at what you have read. What is it now?",
    look="+= on a tensor, or add_: whoever holds the same tensor sees the change.",
)
def _(initial):
    variable = InPlace(initial)
    variable.own = torch.as_tensor
    variable.initial = initial.clone()
    return variable


class ReadInCopies(InPlace):
    def read(self):
        return lambda memory: self.find(memory).clone()


@mistake(
    variables,
    "one whose additions all return one tensor, which each of them changes",
    ask="You add 1 and keep the result, a 3; somebody adds 1 again. What does your result say now?",
    look="what assign_add's operation returns: the very tensor that += changes the next time.",
)
def _(initial):
    return ReadInCopies(initial)


@mistake(
    variables,
    "one that adds in place to copies, which it also hands out",
    ask="You read 2, somebody adds 1, and you look once more at what you have read. What is it now?",
    look="what read returns: the very tensor that += changes later.",
)
def _(initial):
    return InPlace(initial)


class InPlaceFromTheStart(InPlace):
    """Adds in place, to the initial tensor itself."""

    def own(self, value):
        return torch.as_tensor(value)

    def keep(self, memory, value):
        return Almost.keep(self, memory, value)


@mistake(
    variables,
    "one whose first addition overwrites the initial tensor",
    ask="Initialise, add 1, initialise again: which value should that be, and which tensor is it read from?",
    look="what the memory gets when the variable is initialised, and what += then changes.",
)
def _(initial):
    return InPlaceFromTheStart(initial)


class Shared(Almost):
    """Takes the owner's tensor for its own."""

    def own(self, value):
        return torch.as_tensor(value)


@mistake(
    variables,
    "one that keeps the owner's tensor, and no copy of it",
    ask="The owner of `initial` writes other numbers into it. What does initialise give after that?",
    look="__init__: a second name for a tensor is no second tensor.",
)
def _(initial):
    return Shared(initial)
