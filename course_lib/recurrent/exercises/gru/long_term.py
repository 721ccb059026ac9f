"""Start an LSTM so that a gradient reaches far back."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.exercises.values import close, with_article
from course_lib.recurrent.gradients import gradient_by_lag, orthogonal_recurrent

Weights = dict[str, Tensor]  # by PyTorch's names: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l1, ...

GATES = ("input gate", "forget gate", "candidate", "output gate")  # in PyTorch's order
LAG = 50
ENOUGH = 1e-2  # of a gradient at that lag; an LSTM as PyTorch starts it has 1e-11 there


def on_an_lstm(answer: Callable, weights: Weights, forget_bias: float) -> Weights | None:
    """The weights after the answer has had the LSTM."""
    made = _prepared(answer, _lstm(weights), forget_bias)
    return made and dict(made.named_parameters())


def gradient_far_back(answer: Callable, weights: Weights, forget_bias: float) -> float | None:
    """The gradient at lag 50 after the answer has had the LSTM."""
    lstm = _lstm(weights)
    x = torch.randn(8, LAG + 1, lstm.input_size)  # (batch, time, input_size); drawn first, so the same for every answer
    made = _prepared(answer, lstm, forget_bias)
    return made and gradient_by_lag(made, x)[LAG].item()


def _lstm(weights: Weights) -> nn.LSTM:
    rows, input_size = weights["weight_ih_l0"].shape
    lstm = nn.LSTM(input_size, rows // 4, num_layers=len(weights) // 4, batch_first=True)
    lstm.load_state_dict(weights)
    return lstm


def _prepared(answer: Callable, lstm: nn.LSTM, forget_bias: float) -> nn.LSTM | None:
    made = answer(lstm, forget_bias)
    if isinstance(made, nn.LSTM) or made is None:
        return made
    raise TypeError(f"prepare_lstm should return the LSTM, and returned {with_article(type(made).__name__)}")


def random_weights(rng: np.random.Generator, input_size: int, hidden_size: int, num_layers: int) -> Weights:
    """Weights drawn as PyTorch draws them: uniform, within 1 / sqrt(hidden_size)."""
    like, bound = nn.LSTM(input_size, hidden_size, num_layers), hidden_size**-0.5
    drawn = {name: rng.uniform(-bound, bound, size=tuple(old.shape)) for name, old in like.named_parameters()}
    return {name: torch.from_numpy(values).float() for name, values in drawn.items()}


def layers_of(weights: Weights) -> list[tuple[Tensor, ...]]:
    """For each layer W_ih, the four recurrent blocks (4, hidden, hidden) and the four total biases (4, hidden)."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    layers = ([weights[f"{name}_l{n}"].float() for name in names] for n in range(len(weights) // 4))
    return [
        (W_ih, torch.stack(W_hh.chunk(4)), torch.stack((b_ih + b_hh).chunk(4))) for W_ih, W_hh, b_ih, b_hh in layers
    ]


def off_orthogonal(blocks: Tensor) -> Tensor:
    """How far W W^T is from the identity, for each block: (4,)."""
    return (blocks @ blocks.mT - torch.eye(blocks.shape[-1])).abs().amax(dim=(1, 2))


def what_is_wrong(before: Weights, forget_bias: float, after: Weights) -> str | None:
    """The first thing that is not as it should be, in a sentence."""
    for layer, (old, new) in enumerate(zip(layers_of(before), layers_of(after), strict=True)):
        (old_W_ih, _, old_biases), (W_ih, recurrent, biases) = old, new
        wanted = old_biases.clone()
        wanted[1] = forget_bias
        for gate in (1, 0, 2, 3):  # the forget gate first: that is the one which was to change
            if wrong := np.argwhere(~close(biases[gate], wanted[gate], rtol=1e-5, atol=1e-5)).tolist():
                unit = wrong[0][0]
                is_now, should_be = biases[gate, unit], wanted[gate, unit]
                return (
                    f"In layer {layer}, unit {unit}, the two biases of the {GATES[gate]} now add up to {is_now:.4g}; "
                    f"wanted {should_be:.4g}" + ("." if gate == 1 else ", as it was.")
                )
        for gate, error in zip(GATES, off_orthogonal(recurrent).tolist(), strict=True):
            if error > 1e-4:
                return f"In layer {layer}, the {gate}'s block W is not orthogonal: W W^T is off by up to {error:.2g}."
        if not torch.equal(W_ih, old_W_ih):
            return f"In layer {layer}, weight_ih has changed. Only recurrent weights and forget biases should."
    return None


def traits(before: Weights, after: Weights) -> list[tuple]:
    """What marks an answer, whichever orthogonal matrices it has drawn."""
    return [
        (torch.equal(old_W_ih, W_ih), torch.equal(old_W, W), off_orthogonal(W) < 1e-4, biases)
        for (old_W_ih, old_W, _), (W_ih, W, biases) in zip(layers_of(before), layers_of(after), strict=True)
    ]


def too_little(gradient: float) -> str | None:
    """A sentence where the gradient does not reach back."""
    if gradient > ENOUGH:
        return None
    return f"The gradient at lag {LAG} is {gradient:.1e}; wanted more than {ENOUGH:g}."


@exercise(
    "recurrent.long-term",
    "prepare_lstm(lstm, forget_bias) -> lstm",
    level="core",
    minutes=8,
)
def prepare_lstm(rng):
    """Start an LSTM so that it can learn what happened long ago."""

    def case(input_size: int, hidden_size: int, num_layers: int, forget_bias: float, because: str) -> Case:
        weights = random_weights(rng, input_size, hidden_size, num_layers)
        return Case(
            (weights, forget_bias),
            via=on_an_lstm,
            test=lambda after: what_is_wrong(weights, forget_bias, after),
            view=lambda after: traits(weights, after),
            form=weights,
            shown=shown(input_size, hidden_size, num_layers, forget_bias),
            because=because,
        )

    def shown(input_size: int, hidden_size: int, num_layers: int, forget_bias: float) -> str:
        return f"nn.LSTM({input_size}, {hidden_size}, num_layers={num_layers}), forget_bias={forget_bias:g}"

    with part("one layer", points=1):
        yield case(1, 1, 1, 1.0, "with one unit each block is one number, and orthogonal means that it is 1 or -1")
        yield case(3, 2, 1, 3.0, "four blocks stand on top of each other in weight_hh, and each must be orthogonal")
        yield case(2, 5, 1, -1.0, "PyTorch adds two biases, so their sum is what the gate gets")
    with part("several layers", points=1):
        yield case(2, 3, 2, 2.0, "each layer has its own weights, with its number at the end of their names")
        yield case(3, 4, 3, 3.0, "each layer has its own weights, with its number at the end of their names")
    with part("a gradient at lag 50", points=1):
        for num_layers in (1, 2):
            yield Case(
                (random_weights(rng, 8, 32, num_layers), 3.0),
                via=gradient_far_back,
                test=too_little,
                view=lambda gradient: gradient > ENOUGH,
                form=0.0,
                shown=shown(8, 32, num_layers, 3.0) + ", random inputs of 51 steps",
                because="print the forget gates: sigmoid(3) is 0.95, and 0.95 ** 50 is 0.09, so something is left",
            )


def set_biases(lstm: nn.LSTM, rows: slice, of_input: float | None, of_hidden: float | None) -> nn.LSTM:
    """Set these rows of both biases in every layer; None leaves one as it is."""
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            for name, value in (("bias_ih", of_input), ("bias_hh", of_hidden)):
                if value is not None:
                    getattr(lstm, f"{name}_l{layer}")[rows] = value
    return lstm


def gate_rows(lstm: nn.LSTM, gate: int) -> slice:
    """The rows of one of GATES."""
    return slice(gate * lstm.hidden_size, (gate + 1) * lstm.hidden_size)


def orthogonal_parts(lstm: nn.LSTM, name: str, number: int) -> None:
    """Cut the weights of this name into so many parts, in every layer, and make each orthogonal."""
    with torch.no_grad():
        for layer in range(lstm.num_layers):
            for piece in getattr(lstm, f"{name}_l{layer}").chunk(number):
                nn.init.orthogonal_(piece)


@mistake(
    prepare_lstm,
    "an LSTM whose input gate got the bias",
    ask="In the order i, f, g, o: at which row does the forget gate begin?",
    look="the slice of the bias: the first hidden_size numbers are the input gate's.",
)
def _(lstm, forget_bias):
    orthogonal_recurrent(lstm)
    return set_biases(lstm, gate_rows(lstm, 0), forget_bias, 0.0)


@mistake(
    prepare_lstm,
    "an LSTM in which both biases got the whole value",
    ask="PyTorch adds bias_ih and bias_hh. What does your forget gate get in total?",
    look="the second of the two biases: what may it hold, so that the sum comes out right?",
)
def _(lstm, forget_bias):
    orthogonal_recurrent(lstm)
    return set_biases(lstm, gate_rows(lstm, 1), forget_bias, forget_bias)


@mistake(
    prepare_lstm,
    "an LSTM in which the second bias kept what it held",
    ask="PyTorch adds bias_ih and bias_hh. What is in the other one?",
    look="bias_hh: it was drawn at random, and its forget part still counts.",
)
def _(lstm, forget_bias):
    orthogonal_recurrent(lstm)
    return set_biases(lstm, gate_rows(lstm, 1), forget_bias, None)


@mistake(
    prepare_lstm,
    "an LSTM whose biases were overwritten from the first to the last",
    ask="What has become of the input gate's bias?",
    look="the slice: hidden_size of the 4 * hidden_size biases belong to the forget gate.",
)
def _(lstm, forget_bias):
    orthogonal_recurrent(lstm)
    return set_biases(lstm, slice(None), forget_bias, 0.0)


@mistake(
    prepare_lstm,
    "an LSTM whose weight_hh was made orthogonal as one matrix",
    ask="weight_hh has four times as many rows as columns. Are its four square blocks orthogonal, one by one?",
    look="what you hand to the initialiser: each gate has its own square matrix in there.",
)
def _(lstm, forget_bias):
    orthogonal_parts(lstm, "weight_hh", 1)
    return set_biases(lstm, gate_rows(lstm, 1), forget_bias, 0.0)


@mistake(
    prepare_lstm,
    "an LSTM of which only the first layer was prepared",
    ask="With num_layers=2, what have you done to weight_hh_l1?",
    look="the names of the weights: their last number counts the layers.",
)
def _(lstm, forget_bias):
    first = nn.LSTM(lstm.input_size, lstm.hidden_size)
    for name, parameter in first.named_parameters():
        parameter.data = getattr(lstm, name).data  # shared: what is done to the one layer is done to the lstm
    orthogonal_recurrent(first)
    set_biases(first, gate_rows(first, 1), forget_bias, 0.0)
    return lstm


@mistake(
    prepare_lstm,
    "an LSTM whose input weights were made orthogonal as well",
    ask="Which of the two weight matrices is met again and again on the way back through time?",
    look="the names that you go through: weight_ih acts on the input, and should stay.",
)
def _(lstm, forget_bias):
    orthogonal_recurrent(lstm)
    orthogonal_parts(lstm, "weight_ih", 4)
    return set_biases(lstm, gate_rows(lstm, 1), forget_bias, 0.0)


@mistake(
    prepare_lstm,
    "an LSTM whose input weights were made orthogonal in place of the recurrent ones",
    ask="Which of the two weight matrices is met again and again on the way back through time?",
    look="the name of the weights: ih goes from the input to the hidden state, hh from the hidden state to itself.",
)
def _(lstm, forget_bias):
    orthogonal_parts(lstm, "weight_ih", 4)
    return set_biases(lstm, gate_rows(lstm, 1), forget_bias, 0.0)


@mistake(
    prepare_lstm,
    "an LSTM that got its forget bias, and kept its recurrent weights",
    ask="Print W @ W.T for one of the square blocks of weight_hh. What should it be?",
    look="weight_hh, after your function: has it changed?",
)
def _(lstm, forget_bias):
    return set_biases(lstm, gate_rows(lstm, 1), forget_bias, 0.0)


@mistake(
    prepare_lstm,
    "an LSTM that stayed as it was",
    ask="Print lstm.bias_ih_l0 before and after your function. Has anything changed?",
    look="what you write to: a slice's copy, or a new name, is not the LSTM's own tensor.",
)
def _(lstm, forget_bias):
    return lstm
