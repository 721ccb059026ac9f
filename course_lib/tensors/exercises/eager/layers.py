"""Read every layer's output while a model runs."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.values import with_article
from course_lib.tensors.exercises.eager.common import draw_weights, fill, tensor_from

Outputs = dict[str, Tensor]


class Around(nn.Module):
    """Declared in another order than it runs in, with a way around one layer."""

    def __init__(self):
        super().__init__()
        self.last, self.bend, self.first = nn.Linear(2, 1), nn.Tanh(), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3) to (batch, 1)"""
        h = self.first(x)
        return self.last(h + self.bend(h))

    def layer_by_layer(self, x: Tensor) -> Outputs:
        """The outputs in the order in which they come."""
        first = self.first(x)
        bend = self.bend(first)
        return {"first": first, "bend": bend, "last": self.last(first + bend)}


class Gated(nn.Module):
    """Two branches that are multiplied, and a block behind them."""

    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(nn.Tanh(), nn.Linear(2, 2))
        self.value, self.gate = nn.Linear(3, 2), nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3) to (batch, 2)"""
        return self.head(self.gate(x) * self.value(x))

    def layer_by_layer(self, x: Tensor) -> Outputs:
        """The outputs in the order in which they come."""
        raw, value = self.gate[0](x), self.value(x)
        share = self.gate[1](raw)
        bent = self.head[0](share * value)
        return {"gate.0": raw, "gate.1": share, "value": value, "head.0": bent, "head.1": self.head[1](bent)}


SMALL = "Linear, ReLU, Linear"
SMALL_IN_PLACE = "Linear, ReLU in place, Linear"
CHAIN = "Linear, Tanh, Linear, Sigmoid"
IN_PLACE = "three layers, two of them in place"
BLOCK = "a Linear layer, a block of two, a Sigmoid"
ANOTHER_ORDER = "a model that runs its layers in another order than it declares them"
BRANCHES = "a model with two branches"
MODELS: dict[str, Callable[[], nn.Module]] = {
    SMALL: lambda: nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1)),
    SMALL_IN_PLACE: lambda: nn.Sequential(nn.Linear(1, 1), nn.ReLU(inplace=True), nn.Linear(1, 1)),
    CHAIN: lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.Sigmoid()),
    IN_PLACE: lambda: nn.Sequential(nn.Linear(3, 4), nn.Hardtanh(inplace=True), nn.LeakyReLU(0.5, inplace=True)),
    BLOCK: lambda: nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.Tanh(), nn.Linear(2, 4)), nn.Sigmoid()),
    ANOTHER_ORDER: Around,
    BRANCHES: Gated,
}


def outputs_of(answer: Callable, model: str, weights: list[Tensor], x: Tensor) -> dict | None:
    """What the answer recorded of a model of MODELS, and in which order."""
    made = answer(fill(MODELS[model](), weights), x)
    return None if made is None else _in_order(made)


def left_behind(answer: Callable, model: str, weights: list[Tensor], first: Tensor, second: Tensor) -> dict | None:
    """What a first record holds once the model has run a second time, and how it left the model."""
    network = fill(MODELS[model](), weights)
    next(network.children()).eval()  # so that no single call of train or eval makes all as it was
    modes = [module.training for module in network.modules()]
    made = answer(network, first)
    if made is None:
        return None
    modules = list(network.modules())
    left = {
        "hooks left in the model": sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules),
        "forwards replaced in the model": sum("forward" in vars(m) for m in modules),
        "modules in another mode than before": sum(m.training != mode for m, mode in zip(modules, modes, strict=True)),
    }
    network(second)
    return left | _in_order(made)


def _in_order(made) -> dict:
    """The recorded outputs, and their names in order.

    Raises:
        TypeError: it is no dict of tensors.
    """
    if not isinstance(made, dict):
        raise TypeError(f"record should return a dict, and returned {with_article(type(made).__name__)}")
    outputs = {f"output of {name}": tensor_from(f"record: layer {name}", output) for name, output in made.items()}
    return {"order": ", ".join(map(str, made)), "outputs": outputs}


def layers_of(model: nn.Module) -> dict[str, nn.Module]:
    """The modules that hold no other module."""
    return {name: module for name, module in model.named_modules() if not list(module.children())}


@torch.no_grad()
def layer_by_layer(model: nn.Module, x: Tensor) -> Outputs:
    """The outputs of every layer, without a hook."""
    if not isinstance(model, nn.Sequential):
        return model.layer_by_layer(x)
    outputs = {}
    for name, layer in layers_of(model).items():
        outputs[name] = x = layer(x.clone())
    return outputs


@exercise("tensors.eager", "record(model, x) -> outputs", level="core", minutes=7)
def record(rng):
    """Every layer's output, read while the model runs."""

    def expected(model: str, weights: list[Tensor], x: Tensor) -> dict:
        return _in_order(layer_by_layer(fill(MODELS[model](), weights), x))

    def by_hand(model: str, x: float, because: str) -> Case:
        weights = [torch.tensor([[2.0]]), torch.tensor([1.0]), torch.tensor([[3.0]]), torch.tensor([0.0])]
        inputs = (model, weights, torch.tensor([[x]]))
        shown = f"{model}, which are 2x + 1 and 3x, at x = {x:g}"
        return Case(inputs, via=outputs_of, expected=expected(*inputs), shown=shown, because=because)

    def drawn(model: str, batch: int, because: str) -> Case:
        inputs = (model, draw_weights(rng, MODELS[model]()), randn(rng, batch, 3))
        shown = f"{model}, random weights, x of shape ({batch}, 3)"
        return Case(inputs, via=outputs_of, expected=expected(*inputs), shown=shown, because=because)

    with part("layer by layer", points=1):
        for x in (1.0, -2.0):
            yield by_hand(SMALL, x, "one number after every layer, and the last is the model's own result")
        yield drawn(CHAIN, 2, "whatever a layer returns is what the hook is handed as output")
    with part("layers in place", points=1):
        for x in (-2.0, -1.0):
            yield by_hand(SMALL_IN_PLACE, x, "in place, the next layer writes its result over the memory that you hold")
        yield drawn(IN_PLACE, 3, "copy an output before the next layer gets hold of it")
    with part("any model", points=1):
        for model, batch in ((BLOCK, 2), (ANOTHER_ORDER, 2), (BRANCHES, 3)):
            yield drawn(model, batch, "print(dict(model.named_modules())) beside what you recorded")
    with part("the model as it was", points=1):
        for model in (CHAIN, ANOTHER_ORDER):
            inputs = (model, draw_weights(rng, MODELS[model]()), randn(rng, 2, 3), randn(rng, 2, 3))
            yield Case(
                inputs,
                via=left_behind,
                expected={
                    "hooks left in the model": 0,
                    "forwards replaced in the model": 0,
                    "modules in another mode than before": 0,
                    **expected(*inputs[:3]),
                },
                shown=f"{model}, the first one declared in evaluation mode; then it all runs once more, on another x",
                because="what has been recorded is yours, and what happens to the model later is not",
            )


def hooked(
    model: nn.Module,
    x: Tensor,
    keep: Callable[[tuple[Tensor, ...], Tensor], Tensor] = lambda inputs, output: output.clone(),
    layers: Iterable[tuple[str, nn.Module]] | None = None,
    remove: bool = True,
) -> Outputs:
    """A right answer, for the mistakes to change one thing in."""
    outputs = {}

    def hook(name: str) -> Callable:
        def read(_layer, inputs, output) -> None:
            outputs[name] = keep(inputs, output)

        return read

    layers = layers_of(model).items() if layers is None else layers
    handles = [layer.register_forward_hook(hook(name)) for name, layer in layers]
    model(x)
    if remove:
        for handle in handles:
            handle.remove()
    return outputs


@mistake(
    record,
    "outputs kept without a copy",
    ask="A layer that works in place writes its result into the tensor that it is given. Who else holds that tensor?",
    look="the line of the hook that keeps the output: `detach` and `=` make another name for it, not another memory.",
)
def _(model, x):
    return hooked(model, x, keep=lambda inputs, output: output.detach())


@mistake(
    record,
    "hooks that stay in the model",
    ask="The model runs again tomorrow, without you. What does it write into the dict that you returned today?",
    look="the handles: register_forward_hook returns one each time. What can be done with it once the model has run?",
)
def _(model, x):
    return hooked(model, x, remove=False)


@mistake(
    record,
    "the inputs of the layers, not their outputs",
    ask="At x = -2, what does a layer that computes 2x + 1 hand on, and what stands under its name in your dict?",
    look="the three arguments of the hook: the layer, what went in, what came out.",
)
def _(model, x):
    return hooked(model, x, keep=lambda inputs, output: inputs[0].clone())


@mistake(
    record,
    "blocks in place of the layers inside them",
    ask="Which of your entries belongs to a module that holds other modules?",
    look="named_children: it goes one level deep, and named_modules goes all the way.",
)
def _(model, x):
    return hooked(model, x, layers=model.named_children())


@mistake(
    record,
    "every module recorded, the blocks and the whole model among them",
    ask="Which of your entries belongs to a module that holds other modules?",
    look="the loop over named_modules: it brings the layers, and also what they are packed in.",
)
def _(model, x):
    return hooked(model, x, layers=model.named_modules())


@mistake(
    record,
    "a walk from layer to layer, as if every model were a chain",
    ask="Who decides which layer's output goes where: the list of the layers, or the model's `forward`?",
    look="the loop that calls the layers: let the model run itself, and listen.",
)
def _(model, x):
    outputs = {}
    for name, layer in layers_of(model).items():
        outputs[name] = x = layer(x.clone())
    return outputs


@mistake(
    record,
    "the layers in the order in which they were declared",
    ask="Which layer's output was there first, and which name comes first in your dict?",
    look="where your dict gets its keys: is it when a hook is called, or before the model has run?",
)
def _(model, x):
    outputs = hooked(model, x)
    return {name: outputs[name] for name in layers_of(model)}


@mistake(
    record,
    "hooks that all write under the name of the last layer",
    ask="When a hook is called, the loop that made it is long over. Which value has its variable `name` then?",
    look="the function inside the loop: it looks its names up when it runs, not when it is made.",
)
def _(model, x):
    outputs = hooked(model, x)
    return {list(layers_of(model))[-1]: list(outputs.values())[-1]}


@mistake(
    record,
    "layers that go by their class, where two Linear layers share a name",
    ask="How many entries has your dict for a model with two Linear layers?",
    look="the key: type(layer).__name__ is the same for all layers of a class.",
)
def _(model, x):
    return hooked(model, x, layers=[(type(layer).__name__, layer) for layer in layers_of(model).values()])


@mistake(
    record,
    "a model that stays in evaluation mode",
    ask="Whoever called you was training this model. In which mode do they get it back?",
    look="model.eval(): recording needs none, and it stays until somebody calls model.train().",
)
def _(model, x):
    return hooked(model.eval(), x)


@mistake(
    record,
    "a model that was put into evaluation mode, and then all of it into training mode",
    ask="One layer was in evaluation mode when the model came, the others were not. In which modes do they go back?",
    look="model.eval() and model.train(): each sets every layer to one mode; recording needs neither.",
)
def _(model, x):
    outputs = hooked(model.eval(), x)
    model.train()
    return outputs


@mistake(
    record,
    "layers whose forward was replaced, and not put back",
    ask="The model runs again tomorrow, without you. Whose function is called in place of the layer's own `forward`?",
    look="layer.forward = …: a hook listens without replacing anything, and its handle takes it away again.",
)
def _(model, x):
    outputs = {}

    def listening(name: str, forward: Callable) -> Callable:
        def run(x: Tensor) -> Tensor:
            output = forward(x)
            outputs[name] = output.clone()
            return output

        return run

    for name, layer in layers_of(model).items():
        layer.forward = listening(name, layer.forward)
    model(x)
    return outputs
