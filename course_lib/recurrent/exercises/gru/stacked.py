"""Stack LSTM cells: what one layer shows, the next one reads."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.values import with_article
from course_lib.recurrent.exercises.common import Weights, build_cell

State = tuple[Tensor, Tensor]  # h and c, each (batch, hidden_size)


def on_cells(answer: Callable, layers: list[Weights], xs: Tensor, states: list[State]) -> dict[str, Tensor] | None:
    """Hand the answer one nn.LSTMCell a layer.

    Raises:
        TypeError: what it returns is not the outputs and one pair a layer.
    """
    returned = answer([build_cell("lstm", weights) for weights in layers], xs, states)
    if returned is None:
        return None
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        raise TypeError("stack should return two things, the outputs and the list of last states")
    outputs, last = returned
    if not isinstance(last, (tuple, list)):
        found = with_article(type(last).__name__)
        raise TypeError(f"the last states should be a list of pairs (h, c), and are {found}")
    if len(last) != len(layers):
        entries = "1 entry" if len(last) == 1 else f"{len(last)} entries"
        raise TypeError(f"the list of last states has {entries}, wanted {len(layers)}, one a layer")
    for layer, pair in enumerate(last):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"entry {layer} of the list of last states should be a pair (h, c)")
    return by_name(outputs, last)


def by_name(outputs: Tensor, last: list[State]) -> dict[str, Tensor]:
    """The outputs, and h and c of each layer."""
    return {"outputs": outputs} | {
        f"last {name} of layer {layer}": value
        for layer, pair in enumerate(last)
        for name, value in zip("hc", pair, strict=True)
    }


def torch_stack(layers: list[Weights], xs: Tensor, states: list[State]) -> tuple[Tensor, list[State]]:
    """PyTorch's own stack, with its states taken apart by layer."""
    input_size, hidden_size = layers[0][0].shape[1], layers[0][1].shape[1]
    lstm = nn.LSTM(input_size, hidden_size, num_layers=len(layers))
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    lstm.load_state_dict(
        {f"{name}_l{n}": w for n, layer in enumerate(layers) for name, w in zip(names, layer, strict=True)}
    )
    h, c = (torch.stack(parts) for parts in zip(*states, strict=True))  # (num_layers, batch, hidden_size) each
    with torch.no_grad():
        outputs, (h, c) = lstm(xs, (h, c))
    return outputs, list(zip(h, c, strict=True))


@exercise(
    "recurrent.lstm.stacked",
    "stack(cells, xs, states) -> outputs, states",
    level="more",
    minutes=8,
    without=["lstm"],
)
def stack(rng):
    """Stack LSTM cells, and keep their states apart."""

    def case(layers: list[Weights], xs: Tensor, states: list[State], shown: str, because: str) -> Case:
        expected = by_name(*torch_stack(layers, xs, states))
        return Case((layers, xs, states), via=on_cells, expected=expected, shown=shown, because=because)

    def random_case(num_layers: int, time: int, batch: int, input_size: int, hidden_size: int) -> Case:
        widths = [input_size] + [hidden_size] * (num_layers - 1)
        rows = 4 * hidden_size
        layers = [
            (randn(rng, rows, width), randn(rng, rows, hidden_size), randn(rng, rows), randn(rng, rows))
            for width in widths
        ]
        states = [(randn(rng, batch, hidden_size).tanh(), randn(rng, batch, hidden_size)) for _ in widths]
        cells = "1 cell" if num_layers == 1 else f"{num_layers} cells"
        shown = (
            f"{cells}, time {time}, batch {batch}, input_size {input_size}, hidden_size {hidden_size}, random numbers"
        )
        because = "follow one x upwards through all cells, then the next x: which states does each cell meet?"
        return case(layers, randn(rng, time, batch, input_size), states, shown, because)

    with part("by hand", points=1):
        silent = tuple(torch.zeros(shape) for shape in ((4, 1), (4, 1), (4,), (4,)))  # gates 0.5, candidate 0
        for time in (1, 2):
            states = [(torch.zeros(1, 1), torch.full((1, 1), c)) for c in (2.0, 4.0)]
            shown = (
                f"2 cells of 1 unit, all weights and biases 0 (so every gate is 0.5), c=2 in the lower and c=4 in the "
                f"upper cell, {time} step{'s' if time > 1 else ''}"
            )
            because = "each cell halves what its own c holds, and shows half of its tanh"
            yield case([silent, silent], torch.zeros(time, 1, 1), states, shown, because)
    with part("one layer", points=1):
        for time, batch, input_size, hidden_size in ((1, 1, 2, 2), (4, 2, 3, 2)):
            yield random_case(1, time, batch, input_size, hidden_size)
    with part("several layers", points=2):
        for num_layers, time, batch, input_size, hidden_size in ((2, 1, 1, 2, 2), (2, 3, 2, 3, 3), (3, 5, 2, 2, 4)):
            yield random_case(num_layers, time, batch, input_size, hidden_size)


def run_layer(cell: nn.LSTMCell, xs, state: State) -> Iterator[State]:
    """The state of one cell after each step."""
    for x in xs:
        state = cell(x, state)
        yield state


def stack_by_layer(cells, xs, states, upwards: Callable[[list[State]], Tensor]) -> tuple[Tensor, list[State]]:
    """One layer after the other; `upwards` says what of a layer's states the next one reads."""
    last = []
    for cell, state in zip(cells, states, strict=True):
        run = list(run_layer(cell, xs, state))
        xs = upwards(run)
        last.append(run[-1])
    return hidden_of(run), last


def hidden_of(run: list[State]) -> Tensor:
    """What a layer showed at each step: (time, batch, hidden_size)."""
    return torch.stack([h for h, _ in run])


def cells_of(run: list[State]) -> Tensor:
    """What a layer stored at each step: (time, batch, hidden_size)."""
    return torch.stack([c for _, c in run])


@mistake(
    stack,
    "a stack whose upper layers get only the last hidden state of the layer below",
    ask="How many steps does your second layer make, and how many the first?",
    look="what the first layer hands upwards: one h, or one a step?",
)
def _(cells, xs, states):
    return stack_by_layer(cells, xs, states, lambda run: hidden_of(run)[-1:])


@mistake(
    stack,
    "a stack whose upper layers get the last hidden state of the layer below at every step",
    ask="When your second layer makes its first step, how many of the inputs are in what it reads already?",
    look="what the first layer hands upwards: at each step, the h of which step?",
)
def _(cells, xs, states):
    return stack_by_layer(cells, xs, states, lambda run: hidden_of(run[-1:] * len(run)))


@mistake(
    stack,
    "a stack whose layers share one state",
    ask="When the lower cell has made its h and c, which h and c does the upper cell start from?",
    look="the variables that hold the state: there must be a pair for each cell.",
)
def _(cells, xs, states):
    outputs, state = stack_of_one_state(cells, xs, states)
    return outputs, [state] * len(cells)


@mistake(
    stack,
    "a stack that keeps one state for all of its layers, and returns a list of this one",
    ask="When the lower cell has made its h and c, which h and c does the upper cell start from?",
    look="the variables that hold the state: there must be a pair for each cell.",
)
def _(cells, xs, states):
    outputs, state = stack_of_one_state(cells, xs, states)
    return outputs, [state]


def stack_of_one_state(cells, xs, states) -> tuple[Tensor, State]:
    """Each cell goes on from what the one below has made."""
    h, c = states[0]
    outputs = []
    for x in xs:
        for cell in cells:
            h, c = cell(x, (h, c))
            x = h
        outputs.append(h)
    return torch.stack(outputs), (h, c)


@mistake(
    stack,
    "a stack that uses the first cell in every layer",
    ask="Each cell has weights of its own. Which cells does your loop call?",
    look="the index of the cell inside your loop.",
)
def _(cells, xs, states):
    return stack_by_layer(cells[:1] * len(cells), xs, states, hidden_of)


@mistake(
    stack,
    "a stack whose upper layers read the cell state of the layer below",
    ask="An LSTM stores c and shows h. Which of the two may the layer above see?",
    look="what becomes the input of the next cell: the first of the two that a cell returns, or the second?",
)
def _(cells, xs, states):
    return stack_by_layer(cells, xs, states, cells_of)


@mistake(
    stack,
    "a stack that takes c for h, on the way up and as its output",
    ask="An LSTM stores c and shows h. Which of the two are your outputs?",
    look="what you hand upwards and collect: the first of the two that a cell returns, or the second?",
)
def _(cells, xs, states):
    tops = []

    def upwards(run: list[State]) -> Tensor:
        tops.append(cells_of(run))
        return tops[-1]

    _, last = stack_by_layer(cells, xs, states, upwards)
    return tops[-1], last


@mistake(
    stack,
    "a stack whose last states have c before h",
    ask="`states` hands you a pair for each layer. In which order do its two stand, and in which do yours?",
    look="the pairs in the list that you return: they are like those of `states`.",
)
def _(cells, xs, states):
    outputs, last = stack_by_layer(cells, xs, states, hidden_of)
    return outputs, [(c, h) for h, c in last]


@mistake(
    stack,
    "a stack whose layers all read xs",
    ask="What does your second cell read: the input, or what the first cell has made of it?",
    look="the first argument of the cells above the lowest one.",
)
def _(cells, xs, states):
    return stack_by_layer(cells, xs, states, lambda run: xs)


@mistake(
    stack,
    "a stack that starts from zeros",
    ask="Does another `states` change your result?",
    look="the state before the first step: where does it come from?",
)
def _(cells, xs, states):
    return stack_by_layer(cells, xs, [(torch.zeros_like(h), torch.zeros_like(c)) for h, c in states], hidden_of)


@mistake(
    stack,
    "a stack in which every step begins with the states handed in",
    ask="What does the second step know of the first?",
    look="where you keep the new state of a cell, and from where the next step takes it.",
)
def _(cells, xs, states):
    runs = [stack_by_layer(cells, x.unsqueeze(0), states, hidden_of) for x in xs]
    return torch.cat([outputs for outputs, _ in runs]), runs[-1][1]


@mistake(
    stack,
    "a stack in which a layer starts from the last state of the layer below",
    ask="When your loop comes to the second cell, what do h and c hold?",
    look="the line that sets h and c for a cell: it has to stand inside the loop over the cells.",
)
def _(cells, xs, states):
    state, last = states[0], []
    for cell in cells:
        run = list(run_layer(cell, xs, state))
        xs, state = hidden_of(run), run[-1]
        last.append(state)
    return xs, last


@mistake(
    stack,
    "a stack whose upper layers read what the layer below showed one step before",
    ask="At the first step, what has the lower cell made of xs[0] when the upper cell reads it?",
    look="the order of the two: the lower cell's new h comes first, and goes upwards at once.",
)
def _(cells, xs, states):
    states, outputs = list(states), []
    for x in xs:
        inputs = [x, *(h for h, _ in states[:-1])]
        states = [cell(inp, state) for cell, inp, state in zip(cells, inputs, states, strict=True)]
        outputs.append(states[-1][0])
    return torch.stack(outputs), states


@mistake(
    stack,
    "a stack that shows what its lowest layer shows",
    ask="Of which cell is the h that you collect?",
    look="where you append to the outputs: inside the loop over the cells, or after it?",
)
def _(cells, xs, states):
    _, last = stack_by_layer(cells, xs, states, hidden_of)
    return hidden_of(list(run_layer(cells[0], xs, states[0]))), last
