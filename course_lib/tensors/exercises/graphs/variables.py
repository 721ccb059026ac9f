"""Variables: what outlives a run, kept by the session and not by the graph."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, part, randn
from course_lib.exercises.values import with_article
from course_lib.tensors.exercises.graphs.common import error_of

WITHOUT_VALUE = ("read", "assign_add")  # what makes no sense before the variable has a value


def counted_up(answer: Callable, initial: Tensor, step: Tensor | float, runs: int) -> dict:
    """Initialise, and add some times: what the last addition returns, and what is read then."""
    variable, memory = answer(initial), {}
    variable.initialise()(memory)
    add, read = variable.assign_add(step), variable.read()
    last = [add(memory) for _ in range(runs)][-1]
    return {"last addition's result": _plain(last), "variable": _plain(read(memory))}


def assigned(answer: Callable, initial: Tensor, value: Tensor | float, step: Tensor) -> dict:
    """Assign to a variable without a value, add to that, and initialise."""
    variable, memory = answer(initial), {}
    returned = _plain(variable.assign(value)(memory))
    held = {"result of assign": returned, "variable after assign": _plain(variable.read()(memory))}
    variable.assign_add(step)(memory)
    held["variable after assign_add"] = _plain(variable.read()(memory))
    variable.initialise()(memory)
    return held | {"variable after initialise": _plain(variable.read()(memory))}


def only_built(answer: Callable, initial: Tensor, value: Tensor, step: Tensor) -> dict:
    """Make operations and run none of them but the reading one; then run them in another order than they were made."""
    variable, memory = answer(initial), {}
    variable.initialise()(memory)
    add, read, assign, initialise = (
        variable.assign_add(step),
        variable.read(),
        variable.assign(value),
        variable.initialise(),
    )
    held = {"variable while operations are made": _plain(read(memory))}
    for name, operation in (("assign", assign), ("assign_add", add), ("initialise", initialise)):
        operation(memory)
        held[f"variable after {name} is run"] = _plain(read(memory))
    return held


def too_early(answer: Callable, initial: Tensor, early: str, elsewhere: bool) -> str:
    """The kind of error where a variable has no value yet, in the only session, or while it has one in another."""
    variable, memory, other = answer(initial), {}, {}
    if elsewhere:
        variable.initialise()(other)
    make = variable.read if early == "read" else lambda: variable.assign_add(1.0)
    return error_of(lambda: make()(memory))[0] or "no error"


def in_two_sessions(answer: Callable, initial: Tensor, step: Tensor, value: Tensor) -> dict:
    """One variable, two sessions."""
    variable, first, second = answer(initial), {}, {}
    for memory in (first, second):
        variable.initialise()(memory)
    add, read = variable.assign_add(step), variable.read()
    add(first), add(first), add(second)
    held = {"variable in the first session": _plain(read(first)), "variable in the second": _plain(read(second))}
    variable.assign(value)(second)
    return held | {"variable in the first, once the second was assigned to": _plain(read(first))}


def side_by_side(answer: Callable, initial: Tensor, other: Tensor, step: Tensor) -> dict:
    """Two variables, one session."""
    a, b, memory = answer(initial), answer(other), {}
    a.initialise()(memory), b.initialise()(memory)
    a.assign_add(step)(memory)
    return {"first variable": _plain(a.read()(memory)), "second variable": _plain(b.read()(memory))}


def owned_by_another(answer: Callable, initial: Tensor, step: Tensor, overwritten: Tensor) -> dict:
    """What happens to the initial tensor when the variable changes, and the other way round."""
    initial, memory = initial.clone(), {}
    variable = answer(initial)
    first = variable.initialise()(memory)
    variable.assign_add(step)(memory)
    held = {"initial tensor after an addition": _plain(initial), "result of initialise after it": _plain(first)}
    initial.copy_(overwritten)
    held["variable after its owner overwrote it"] = _plain(variable.read()(memory))
    variable.initialise()(memory)
    return held | {"variable initialised after that": _plain(variable.read()(memory))}


def handed_out(answer: Callable, initial: Tensor, value: Tensor, step: Tensor) -> dict:
    """What happens to a tensor that was assigned, and to what operations have returned, when the variable changes."""
    variable, memory, value = answer(initial), {}, value.clone()
    held = {
        "tensor that was assigned": value,
        "result of assign": variable.assign(value)(memory),
        "tensor that was read before": variable.read()(memory),
        "result of the first addition": variable.assign_add(step)(memory),
    }
    variable.assign_add(step)(memory)
    return {name: _plain(tensor) for name, tensor in held.items()}


def _plain(value: object) -> object:
    """A copy of what is held now; numbers as tensors."""
    if isinstance(value, bool) or not isinstance(value, Tensor | int | float):
        return value
    return torch.as_tensor(value, dtype=torch.float32).detach().clone()


def refusal(said: str) -> str | None:
    """A sentence where an early operation does not raise what is asked for."""
    came = said if said == "no error" else with_article(said)
    return None if said == "RuntimeError" else f"There is no value here, and {came} came, wanted a RuntimeError."


@exercise("tensors.graph.variables", "MyVariable(initial)", level="more", minutes=10, blanks=5)
def variables(rng):
    """A variable: state that survives a run, in the session that ran it."""

    def some(*shape: int) -> Tensor:
        return randn(rng, *shape).round(decimals=2)

    with part("from run to run", points=1):
        because = "what an operation leaves in the memory is what the next one finds there"
        for initial, step, runs in ((torch.tensor(0.0), 1.0, 3), (some(), 0.5, 1), (some(2), some(2), 4)):
            total = initial + runs * step
            yield Case(
                (initial, step, runs),
                via=counted_up,
                expected={"last addition's result": total, "variable": total},
                shown=f"initialise, then assign_add {runs} times",
                because=because,
            )
        for value in (some(2), 7.0):
            initial, step = some(2) if isinstance(value, Tensor) else some(), some()
            yield Case(
                (initial, value, step),
                via=assigned,
                expected={
                    "result of assign": torch.as_tensor(value),
                    "variable after assign": torch.as_tensor(value),
                    "variable after assign_add": value + step,
                    "variable after initialise": initial,
                },
                shown=f"assign {'a tensor' if isinstance(value, Tensor) else 'a number'}, then assign_add, initialise",
                because=because,
            )
    with part("nothing before it is run", points=1):
        for shape in ((), (3,)):
            initial, value, step = some(*shape), some(*shape), some(*shape)
            yield Case(
                (initial, value, step),
                via=only_built,
                expected={
                    "variable while operations are made": initial,
                    "variable after assign is run": value,
                    "variable after assign_add is run": value + step,
                    "variable after initialise is run": initial,
                },
                shown="initialise; then make assign_add, read, assign and initialise, and run them one by one",
                because="an operation is made first and run later, and only then is there a memory",
            )
        for early in WITHOUT_VALUE:
            yield _early(some(), early, elsewhere=False)
    with part("each session for itself", points=1):
        for shape in ((), (2,)):
            initial, step, value = some(*shape), some(*shape), some(*shape)
            yield Case(
                (initial, step, value),
                via=in_two_sessions,
                expected={
                    "variable in the first session": initial + 2 * step,
                    "variable in the second": initial + step,
                    "variable in the first, once the second was assigned to": initial + 2 * step,
                },
                shown="two sessions: assign_add twice in the first, once in the second; then assign in the second",
                because="the value belongs to the session's memory; the variable itself has none",
            )
        for early in WITHOUT_VALUE:
            yield _early(some(), early, elsewhere=True)
        for shape in ((), (2,)):
            initial, other, step = some(*shape), some(*shape), some(*shape)
            yield Case(
                (initial, other, step),
                via=side_by_side,
                expected={"first variable": initial + step, "second variable": other},
                shown="two variables in one session, assign_add to the first",
                because="a memory has room for many variables, so each needs a key of its own",
            )
    with part("tensors of their own", points=1):
        because = "one tensor may have several owners, and what is done in place is done to all of them"
        for shape in ((), (3,)):
            initial, step, overwritten, value = some(*shape), some(*shape), some(*shape), some(*shape)
            yield Case(
                (initial, step, overwritten),
                via=owned_by_another,
                expected={
                    "initial tensor after an addition": initial,
                    "result of initialise after it": initial,
                    "variable after its owner overwrote it": initial + step,
                    "variable initialised after that": initial,
                },
                shown="initialise, assign_add; then the owner of `initial` overwrites it",
                because=because,
            )
            yield Case(
                (initial, value, step),
                via=handed_out,
                expected={
                    "tensor that was assigned": value,
                    "result of assign": value,
                    "tensor that was read before": value,
                    "result of the first addition": value + step,
                },
                shown="assign a tensor, read, then assign_add twice",
                because=because,
            )


def _early(initial: Tensor, early: str, *, elsewhere: bool) -> Case:
    where = "in a session without a value, while another has one" if elsewhere else "before the variable has a value"
    return Case(
        (initial, early, elsewhere),
        via=too_early,
        test=refusal,
        form="",
        shown=f"{early} {where}",
        because="ask the memory whether there is a value before you use it",
    )
