"""Find the units of a ReLU network that are silent on a whole data set."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.values import with_article
from course_lib.foundations.exercises.activations.planted import Layer, Planted

HOOKS = "hooks left in the model"
KINDS = {"ReLU": nn.ReLU, "Tanh": nn.Tanh}


def masks_of(answer: Callable, activations: list[str], layers: list[Layer], batches: list[Tensor]) -> dict | None:
    """The masks that the answer finds for a network of these layers, by name; and what it left in the network."""
    model = network(activations, layers)
    made = answer(model, batches)
    if made is None:
        return None
    if not isinstance(made, list | tuple):
        raise TypeError(f"dead_units should return a list of masks, and returned {with_article(type(made).__name__)}")
    relus = [module for module in model if isinstance(module, nn.ReLU)]
    if len(made) != len(relus):
        raise TypeError(_another_number(len(made), len(relus)))
    hooks = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())
    return {f"mask of ReLU {n}": mask_from(mask) for n, mask in enumerate(made, 1)} | {HOOKS: hooks}


def _another_number(masks: int, relus: int) -> str:
    count = {1: "one", 2: "two"}.get(relus, relus)
    has = f"your list has {masks} mask{'s' * (masks != 1)}, wanted {relus}: the model has {count} nn.ReLU."
    if masks > relus:
        has += f" Which layer{'s' * (masks > relus + 1)} did the other{'s' * (masks > relus + 1)} come from?"
    return has


def mask_from(made) -> Tensor:
    """One of the masks that were returned, if it is one.

    Raises:
        TypeError: it holds anything but True and False.
    """
    mask = torch.as_tensor(made)
    if mask.dtype != torch.bool:
        raise TypeError(f"a mask holds True and False, and this one holds {str(mask.dtype).removeprefix('torch.')}")
    return mask


@torch.no_grad()
def network(activations: list[str], layers: list[Layer]) -> nn.Sequential:
    """Linear layers with these weights, an activation behind each but the last."""
    modules = []
    for n, (weight, bias) in enumerate(layers):
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
        modules += [linear] + [KINDS[name]() for name in activations[n : n + 1]]
    return nn.Sequential(*modules)


@torch.no_grad()
def sums(model: nn.Sequential, batches: Iterable[Tensor]) -> list[Tensor]:
    """What goes into each ReLU over all of the data: (examples, units) each."""
    x, found = torch.cat(list(batches)), []
    for layer in model:
        if isinstance(layer, nn.ReLU):
            found.append(x)
        x = layer(x)
    return found


def silent(model: nn.Sequential, batches: Iterable[Tensor]) -> list[Tensor]:
    """The right answer: no example brings the unit above 0."""
    return [(z <= 0).all(dim=0) for z in sums(model, batches)]


def last(rng: np.random.Generator, units: int, outputs: int = 2) -> Layer:
    """An output layer: random weights."""
    return randn(rng, outputs, units), randn(rng, outputs)


def row(*numbers: float) -> Tensor:
    """Examples of one number: (examples, 1)."""
    return torch.tensor(numbers).float().unsqueeze(1)


@exercise("foundations.activation.dead-neurons", "dead_units(model, data) -> masks", level="core", minutes=8)
def dead_neurons(rng):
    """Which units of a ReLU network are silent on all of the data?"""

    def case(activations: list[str], layers: list[Layer], batches: list[Tensor], shown: str, because: str) -> Case:
        masks = silent(network(activations, layers), batches)
        expected = {f"mask of ReLU {n}": mask for n, mask in enumerate(masks, 1)} | {HOOKS: 0}
        return Case((activations, layers, batches), via=masks_of, expected=expected, shown=shown, because=because)

    def by_hand(weights: list[float], biases: list[float], batches: list[Tensor], units: str, because: str) -> Case:
        layers = [(row(*weights), torch.tensor(biases).float()), last(rng, len(weights), 1)]
        data = " and ".join(str([round(x) for x in batch.flatten().tolist()]) for batch in batches)
        held = "the batch holds" if len(batches) == 1 else "the batches hold"
        return case(["ReLU"], layers, batches, f"hidden units ReLU of {units}; {held} x = {data}", because)

    whole = "one example above 0 is enough, in whichever batch it stands"
    with part("one batch, by hand", points=1):
        yield by_hand([2, -2, 1], [0, -1, -3], [row(-1, 1)], "2x, -2x - 1 and x - 3", whole)
        yield by_hand([1, -1], [-1, -1], [row(0, 1, 2, 0)], "x - 1 and -x - 1", whole)
        flat = "at a sum of exactly 0 the slope of ReLU is 0 as well"
        yield by_hand([0, 1, 1], [0, 1, -1], [row(-1, 0, 1)], "0, x + 1 and x - 1", flat)
    with part("several batches", points=1):
        yield by_hand([2, -2, 1], [0, -1, -3], [row(-1), row(1)], "2x, -2x - 1 and x - 3", whole)
        yield by_hand([1, -1], [-1, -1], [row(0, 2), row(1, 0)], "x - 1 and -x - 1", whole)
        for sizes, features in (((6, 6, 5), 4), ((8, 8, 8, 3), 5), ((4, 4, 1), 3)):
            planted = Planted(rng, sizes, features)
            layer, _ = planted.first()
            shown = f"8 hidden units, {features} inputs, batches of {', '.join(map(str, sizes))}"
            because = "a unit that fires for one example in a thousand learns from that one"
            yield case(["ReLU"], [layer, last(rng, 8)], planted.batches, shown, because)
    with part("layer by layer", points=1):
        for sizes, features in (((6, 6, 5), 4), ((3, 5, 2), 3)):
            planted = Planted(rng, sizes, features)
            layer, kinds = planted.first()
            layers = [layer, planted.second(kinds), last(rng, 5)]
            shown = f"hidden layers of 8 and 5 ReLU units, {features} inputs, batches of {', '.join(map(str, sizes))}"
            because = "the second ReLU sees what the first one lets through, never x itself"
            yield case(["ReLU", "ReLU"], layers, planted.batches, shown, because)
        for sizes in ((4, 4), (5, 2)):
            planted = Planted(rng, (*sizes, 1), 3)
            tanh = (randn(rng, 4, 3), randn(rng, 4))
            weight = torch.cat([torch.eye(4), -torch.eye(4)])
            bias = torch.tensor([2.0, -2.0] * 4)  # tanh stays between -1 and 1, so these are always on, or dead
            shown = f"4 Tanh units, then 8 ReLU units; batches of {sizes[0]}, {sizes[1]} and 1"
            because = "only a ReLU has dead units in this sense; Tanh gets no mask"
            yield case(["Tanh", "ReLU"], [tanh, (weight, bias), last(rng, 8)], planted.batches, shown, because)


@mistake(
    dead_neurons,
    "a look at the first batch only",
    ask="A unit is silent in the first batch. What do you know about the others?",
    look="the loop over data: does it go on after the first batch?",
)
def _(model, data):
    return silent(model, data[:1])


@mistake(
    dead_neurons,
    "a look that keeps the last batch only",
    ask="What becomes of what you found in the first batch when the second one comes?",
    look="the loop over data: = keeps the last batch, and all of them count.",
)
def _(model, data):
    return silent(model, data[-1:])


@mistake(
    dead_neurons,
    "units counted as dead that are silent in any one batch",
    ask="Silent in batch 1, on in batch 2: is it dead?",
    look="what joins the batches: `and`, or `or`?",
)
def _(model, data):
    masks = [silent(model, [batch]) for batch in data]
    return [torch.stack(layer).any(dim=0) for layer in zip(*masks, strict=True)]


@mistake(
    dead_neurons,
    "units counted as dead that are silent for any one example",
    ask="Which healthy unit is on for every example there is?",
    look="any and all, and what they are asked about.",
)
def _(model, data):
    return [(z <= 0).any(dim=0) for z in sums(model, data)]


@mistake(
    dead_neurons,
    "units with a mean of zero or less, before the ReLU, counted as dead",
    ask="A unit gets the sums -3, -3 and 2. Its mean is negative; is it dead?",
    look="the mean: one example above 0 is enough to learn from.",
)
def _(model, data):
    return [z.mean(dim=0) <= 0 for z in sums(model, data)]


@mistake(
    dead_neurons,
    "units counted as dead that are on for less than a third of the data",
    ask="A unit that is on for one example in a thousand: does it get a gradient from that one?",
    look="the threshold: dead means never, not seldom.",
)
def _(model, data):
    return [(z > 0).float().mean(dim=0) < 1 / 3 for z in sums(model, data)]


def of_hidden(model: nn.Sequential, judge: Callable[[nn.Linear], Tensor]) -> list[Tensor]:
    """What is judged of each layer that a ReLU follows, from its weights."""
    pairs = zip(model, list(model)[1:], strict=False)
    return [judge(layer) for layer, after in pairs if isinstance(after, nn.ReLU)]


@mistake(
    dead_neurons,
    "weights inspected in place of activations",
    ask="With a weight of -2 and a bias of -1, what does a unit make of x = -1?",
    look="where data comes in: the sign of a sum depends on the inputs as much as on the weights.",
)
def _(model, data):
    return of_hidden(model, lambda layer: (layer.weight <= 0).all(dim=1) & (layer.bias <= 0))


@mistake(
    dead_neurons,
    "weights of zero looked for in place of activations",
    ask="A unit has large weights and a bias of -1000. Is it on for any example?",
    look="where data comes in: a dead unit may have any weights.",
)
def _(model, data):
    return of_hidden(model, lambda layer: (layer.weight == 0).all(dim=1))


@mistake(
    dead_neurons,
    "biases inspected in place of activations",
    ask="With a weight of 2 and a bias of -1, what does a unit make of x = 1?",
    look="where data comes in: the bias is only one term of the sum.",
)
def _(model, data):
    return of_hidden(model, lambda layer: layer.bias < 0)


@mistake(
    dead_neurons,
    "a mask of the living",
    ask="A unit that is on for an example: True or False?",
    look="the last step: the mask is of the dead.",
)
def _(model, data):
    return [~mask for mask in silent(model, data)]


@mistake(
    dead_neurons,
    "a unit whose sum is exactly 0 taken for alive",
    ask="Which slope has ReLU at a sum of exactly 0?",
    look="the comparison: < or <= ? ReLU's output is 0 in both cases.",
)
def _(model, data):
    return [(z < 0).all(dim=0) for z in sums(model, data)]


@mistake(
    dead_neurons,
    "a mask of the examples, not of the units",
    ask="How many numbers has your mask, and how many units has the layer?",
    look="the axis: an activation has the shape (batch, units), and the batch is what goes.",
)
def _(model, data):
    return [(z <= 0).all(dim=1) for z in sums(model, data)]


@mistake(
    dead_neurons,
    "one mask for all of the layers together",
    ask="Which entry of your mask is the first unit of the second ReLU?",
    look="the cat: a list with one mask for each ReLU is asked for.",
)
def _(model, data):
    return torch.cat(silent(model, data))


@mistake(
    dead_neurons,
    "a mask for every Linear layer, the outputs of the network included",
    ask="How many ReLU layers has the model, and how many masks have you?",
    look="which layers you listen to: only what a ReLU lets through, or not, can be dead.",
)
@torch.no_grad()
def _(model, data):
    x, masks = torch.cat(data), []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            masks.append((x <= 0).all(dim=0))
    return masks


@mistake(
    dead_neurons,
    "a mask for every activation, Tanh included",
    ask="Which of the layers that you listen to is no nn.ReLU?",
    look="how you choose the layers: Tanh is silent at no input but 0, so it gets no mask.",
)
@torch.no_grad()
def _(model, data):
    x, masks = torch.cat(data), []
    for layer in model:
        x = layer(x)
        if not isinstance(layer, nn.Linear):
            masks.append((x == 0).all(dim=0))
    return masks


@mistake(
    dead_neurons,
    "hooks that stay in the model",
    ask="The model runs again tomorrow, without you. Who listens then?",
    look="the handles: register_forward_hook returns one each time, and each of them has a `remove`.",
)
def _(model, data):
    for layer in model:
        if isinstance(layer, nn.ReLU):
            layer.register_forward_hook(lambda *_: None)
    return silent(model, data)
