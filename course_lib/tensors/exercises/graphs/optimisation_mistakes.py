"""What goes wrong when a graph is tidied, as code that runs."""

from collections.abc import Callable, Hashable

from course_lib.exercises import mistake
from course_lib.tensors.exercises.graphs.common import Plan
from course_lib.tensors.exercises.graphs.optimisation import COMMUTE, FUNCTIONS, HOLES, optimisation, pruned

Key = Callable[[str, str, list], Hashable]  # name, operation, inputs -> the same for what is merged


def by_value(name: str, operation: str, inputs: list) -> Hashable:
    """The right key."""
    if operation in HOLES:
        return name
    return operation, *(sorted(inputs) if operation in COMMUTE else inputs)


def folded(graph: Plan, *, known: tuple[str, ...] = ("constant",), again: bool = True) -> Plan:
    """What depends on constants alone, computed.

    Args:
        graph: to fold.
        known: operations whose number is taken for one that never changes.
        again: what was folded is a constant for what comes behind it.
    """
    new: Plan = {}
    for name, (operation, *inputs) in graph.items():
        before = [(new if again else graph)[one] for one in inputs] if operation in FUNCTIONS else []
        if before and all(one[0] in known for one in before):
            new[name] = "constant", FUNCTIONS[operation](*(one[1] for one in before))
        else:
            new[name] = operation, *inputs
    return new


def merged(graph: Plan, key: Key = by_value, *, passed_on: bool = True) -> Plan:
    """Twins made one; where it is not passed on, twins' users are compared by the names of before."""
    same: dict[str, str] = {}
    first: dict[Hashable, str] = {}
    new: Plan = {}
    for name, (operation, *inputs) in graph.items():
        joined = [same[one] for one in inputs] if operation in FUNCTIONS else inputs
        same[name] = first.setdefault(key(name, operation, joined if passed_on else inputs), name)
        if same[name] == name:
            new[name] = operation, *joined
    return new


def tidy(graph: Plan, fetch: str, key: Key = by_value) -> Plan:
    """The right answer, but for the key."""
    return pruned(merged(folded(pruned(graph, fetch)), key), fetch)


@mistake(
    optimisation,
    "one that merges a - b with b - a",
    ask="With a = 5 and b = 3, what are a - b and b - a? And which operations do not mind the order?",
    look="the place where the order of the inputs is forgotten: for which operations does that happen?",
)
def _(graph, fetch):
    def key(name, operation, inputs):
        return name if operation in HOLES else (operation, *sorted(inputs, key=str))

    return tidy(graph, fetch, key)


@mistake(
    optimisation,
    "one that merges a - b with b - a, but leaves quotients alone",
    ask="With a = 5 and b = 3, what are a - b and b - a?",
    look="the list of operations that do not mind the order of their inputs.",
)
def _(graph, fetch):
    def key(name, operation, inputs):
        return by_value(name, operation, sorted(inputs) if operation == "subtract" else inputs)

    return tidy(graph, fetch, key)


def without_brackets(graph: Plan, fetch: str, chained: tuple[str, ...]) -> Plan:
    """Nodes of some operations are compared by all that they put together, however many steps it takes."""
    together: dict[str, tuple] = {}  # name -> operation and what it puts together

    def key(name, operation, inputs):
        if operation not in chained:
            return by_value(name, operation, inputs)
        parts = []
        for one in inputs:
            kind, *inside = together.get(one, ("",))
            parts += inside if kind == operation else [one]
        together[name] = operation, *sorted(parts)
        return together[name]

    return tidy(graph, fetch, key)


@mistake(
    optimisation,
    "one that merges sums that add the same numbers in another order",
    ask="What does Python make of (0.1 + 0.2) + 0.3 == 0.1 + (0.2 + 0.3)?",
    look="what you compare of a sum: each sum is rounded, so it counts which two numbers come first.",
)
def _(graph, fetch):
    return without_brackets(graph, fetch, ("add",))


@mistake(
    optimisation,
    "one that merges sums, and products, of the same numbers in another order",
    ask="What does Python make of (0.1 + 0.2) + 0.3 == 0.1 + (0.2 + 0.3)?",
    look="what you compare of sums and products: each is rounded, so it counts which two numbers come first.",
)
def _(graph, fetch):
    return without_brackets(graph, fetch, COMMUTE)


@mistake(
    optimisation,
    "one that folds variables as if they were constants",
    ask="A variable begins at 2 and is assigned 7. What does your graph compute in the next run?",
    look="the test before you fold: which numbers in the dict are there for good?",
)
def _(graph, fetch):
    return pruned(merged(folded(pruned(graph, fetch), known=("constant", "variable"))), fetch)


@mistake(
    optimisation,
    "one that makes one random number of two",
    ask="You throw a die, and throw it again. Is one throw enough?",
    look="what you compare: two nodes that read the same need not give the same.",
)
def _(graph, fetch):
    def key(name, operation, inputs):
        return (operation,) if operation == "random" else by_value(name, operation, inputs)

    return tidy(graph, fetch, key)


@mistake(
    optimisation,
    "one that merges variables that begin with the same value",
    ask="Two variables begin at 2. Must they still be equal after a run?",
    look="what you compare: a variable is more than the number in the dict.",
)
def _(graph, fetch):
    def key(name, operation, inputs):
        return (operation, *inputs) if operation == "variable" else by_value(name, operation, inputs)

    return tidy(graph, fetch, key)


@mistake(
    optimisation,
    "one that merges whatever reads the same, placeholders too",
    ask="Two placeholders a and b: both read ('placeholder',). Are they fed with the same?",
    look="what you compare: which nodes get their value from outside, each for itself?",
)
def _(graph, fetch):
    def key(name, operation, inputs):
        return operation, *(sorted(inputs) if operation in COMMUTE else inputs)

    return tidy(graph, fetch, key)


@mistake(
    optimisation,
    "one that does not see a + b in b + a",
    ask="Are a + b and b + a the same number? Is what you compare the same for both?",
    look="what you compare: for some operations the order of the inputs should make no difference to it.",
)
def _(graph, fetch):
    return tidy(graph, fetch, lambda name, operation, inputs: name if operation in HOLES else (operation, *inputs))


@mistake(
    optimisation,
    "one that keeps equal constants apart",
    ask="a + two, and a + also, where both constants are 2.0: do these sums do the same?",
    look="the nodes that you never compare: what makes two constants equal?",
)
def _(graph, fetch):
    def key(name, operation, inputs):
        return name if operation == "constant" else by_value(name, operation, inputs)

    return tidy(graph, fetch, key)


@mistake(
    optimisation,
    "one that merges twins, but not what is computed of them",
    ask="s and t are one now. What about -s and -t: do they still look different to you?",
    look="the moment when a node's inputs are replaced by those that stand for them: before it is compared, or after?",
)
def _(graph, fetch):
    return pruned(merged(folded(pruned(graph, fetch)), passed_on=False), fetch)


@mistake(
    optimisation,
    "one that folds only what stands directly behind constants",
    ask="p = 2 / 3 is folded. What is -p computed of now?",
    look="the inputs that you look at: are they those of the old graph, or of the new one?",
)
def _(graph, fetch):
    return pruned(merged(folded(pruned(graph, fetch), again=False)), fetch)


@mistake(
    optimisation,
    "one that prunes first and never again",
    ask="six = two * three is folded to 6.0. Who needs `two` now?",
    look="the order of the clean-ups: what do the later ones leave behind?",
)
def _(graph, fetch):
    return merged(folded(pruned(graph, fetch)))


@mistake(
    optimisation,
    "one that folds and merges, and prunes nothing",
    ask="Which nodes of your graph can you take away without the fetch noticing?",
    look="nodes that the fetch does not need, from the beginning or since others were folded.",
)
def _(graph, fetch):
    before = pruned(graph, fetch)
    kept = merged(folded(before))
    return {name: kept.get(name, node) for name, node in graph.items() if name in kept or name not in before}


@mistake(
    optimisation,
    "one that prunes and merges, and folds nothing",
    ask="What is 2 * 3, and how often does a graph have to work that out?",
    look="nodes all of whose inputs are constants.",
)
def _(graph, fetch):
    return merged(pruned(graph, fetch))


@mistake(
    optimisation,
    "one that prunes and folds, and merges nothing",
    ask="(a + b) * (a + b): how many sums does your graph hold?",
    look="nodes with the same operation and the same inputs.",
)
def _(graph, fetch):
    return pruned(folded(pruned(graph, fetch)), fetch)


@mistake(
    optimisation,
    "one that only prunes",
    ask="2 * 3 and 3 * 2: how many multiplications does your graph hold, and how many does it need?",
    look="the other two clean-ups.",
)
def _(graph, fetch):
    return pruned(graph, fetch)


@mistake(
    optimisation,
    "one that merges before it folds, and does not look again",
    ask="2 * 3 becomes 6.0, and there is another constant 6.0. Who compares these two?",
    look="the order of the clean-ups: folding makes new twins.",
)
def _(graph, fetch):
    return pruned(folded(merged(pruned(graph, fetch))), fetch)


@mistake(
    optimisation,
    "one that merges the fetched node away",
    ask="The fetched node has a twin that stands before it. Under which name will the value be looked for?",
    look="the order of the clean-ups, or who stands for whom: one name has to survive.",
)
def _(graph, fetch):
    new = merged(folded(graph))
    return new if fetch not in new else pruned(new, fetch)
