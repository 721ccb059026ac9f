"""Turn a GRU's weights round for the papers in which the update gate has the opposite meaning."""

import numpy as np
import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.exercises.compare import show_apart
from course_lib.exercises.values import close
from course_lib.recurrent.exercises.gates.common import logit
from course_lib.recurrent.exercises.gru.common import GRU_WEIGHTS, blocks, random_weights, unit_weights

Weights = tuple[Tensor, ...]  # in the order of GRU_WEIGHTS


def run_gru(xs: Tensor, weights: Weights, one_means: str) -> Tensor:
    """The states after each step from h = 0.5, (time, batch, hidden_size).

    Args:
        xs: (time, batch, input_size)
        weights: in the order of GRU_WEIGHTS
        one_means: what z = 1 does, "keep" the old state or "take" the candidate
    """
    weights = [tensor.float() for tensor in weights]  # an answer may come in another dtype
    h = torch.full((xs.shape[1], weights[1].shape[1]), 0.5)  # (batch, hidden_size)
    states = []
    for x in xs:
        (x_r, h_r), (x_z, h_z), (x_n, h_n) = blocks(x, h, *weights)
        r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + r * h_n)
        h = z * h + (1 - z) * n if one_means == "keep" else (1 - z) * h + z * n
        states.append(h)
    return torch.stack(states)


def turned(weights: Weights, signs: tuple[tuple[int, int, int], ...]) -> Weights:
    """The weights with a sign for each block r, z, n of each of the four tensors."""
    return tuple(
        torch.cat([sign * block for sign, block in zip(row, tensor.chunk(3), strict=True)])
        for tensor, row in zip(weights, signs, strict=True)
    )


AS_IT_IS, TURNED = (1, 1, 1), (1, -1, 1)


@exercise(
    "recurrent.gru.update-gate",
    f"flip_convention({GRU_WEIGHTS}) -> {GRU_WEIGHTS}",
    level="more",
    minutes=5,
    keeps_inputs=True,
)
def flip_convention(rng):
    """From «z = 1 keeps the old state» to «z = 1 takes the candidate»."""

    def case(xs: Tensor, weights: Weights, shown: str, because: str) -> Case:
        wanted = run_gru(xs, weights, "keep")

        def explain(answer: Weights) -> str:
            states = run_gru(xs, answer, "take")
            far = ~close(states, wanted, rtol=1e-5, atol=1e-5)  # (time, batch, hidden_size)
            step, row, unit = np.argwhere(far)[0].tolist()
            now, before = show_apart(states[step, row, unit].item(), wanted[step, row, unit].item())
            return (
                f"Your weights, used in h = (1 - z) * h + z * n from a state of 0.5, give {now} for unit {unit} after "
                f"step {step + 1}; the weights handed in, used in h = z * h + (1 - z) * n, give {before}."
            )

        # Only the outputs count: PyTorch's two biases are added, so a right answer may share them out in another way.
        return Case(
            weights,
            expected=wanted,
            view=lambda answer: run_gru(xs, answer, "take"),
            form=weights,
            explain=explain,
            shown=shown,
            because=because,
        )

    with part("one unit", points=1):
        because = "z has to become 1 - z: which sum must go into its sigmoid for that?"
        for weights, shown in (
            (unit_weights(b_x=(0.0, logit(0.75), 0.0)), "all weights and biases 0, but b_iz = log 3 (so z is 0.75)"),
            (unit_weights(b_h=(0.0, logit(0.75), 0.0)), "all weights and biases 0, but b_hz = log 3 (so z is 0.75)"),
            (
                unit_weights(on_x=(1.0, 1.0, 1.0), on_h=(1.0, 1.0, 1.0), b_h=(1.0, 1.0, 1.0)),
                "all weights and the biases b_hh 1, the biases b_ih 0",
            ),
        ):
            yield case(torch.ones(1, 1, 1), weights, shown, because)
    with part("several steps", points=2):
        for input_size, hidden_size in ((1, 2), (3, 3), (2, 4)):
            shown = f"random weights, input_size {input_size}, hidden_size {hidden_size}, run over 4 steps"
            because = "everything that goes into z must turn round, and nothing else"
            yield case(randn(rng, 4, 2, input_size), random_weights(rng, input_size, hidden_size), shown, because)


@mistake(
    flip_convention,
    "weights that were handed back as they came",
    ask="With a bias that makes z = 0.75, what does the old formula keep, and what the new one?",
    look="the rows of z: the formula has changed, so they have to change as well.",
)
def _(*weights):
    return weights


@mistake(
    flip_convention,
    "weights of which b_ih was turned, and b_hh was not",
    ask="PyTorch adds two biases. What is their sum for z now, and what should it be?",
    look="the rows of z in both biases.",
)
def _(*weights):
    return turned(weights, (TURNED, TURNED, TURNED, AS_IT_IS))


@mistake(
    flip_convention,
    "weights of which b_hh was turned, and b_ih was not",
    ask="PyTorch adds two biases. What is their sum for z now, and what should it be?",
    look="the rows of z in both biases.",
)
def _(*weights):
    return turned(weights, (TURNED, TURNED, AS_IT_IS, TURNED))


@mistake(
    flip_convention,
    "weights whose biases were forgotten",
    ask="With all weights 0 and a bias of log 3, what is z before and after your change?",
    look="the sum in z's sigmoid: what stands in it besides the two products?",
)
def _(*weights):
    return turned(weights, (TURNED, TURNED, AS_IT_IS, AS_IT_IS))


@mistake(
    flip_convention,
    "weights of which only the biases were turned",
    ask="Where z comes from x and h, and no bias at all, what has your function changed?",
    look="the sum in z's sigmoid: what stands in it besides the biases?",
)
def _(*weights):
    return turned(weights, (AS_IT_IS, AS_IT_IS, TURNED, TURNED))


@mistake(
    flip_convention,
    "weights whose candidate was turned along with the gate",
    ask="Does the candidate mean something else in the other formula?",
    look="the last block of rows: only the gate's share is written the other way round.",
)
def _(*weights):
    return turned(weights, ((1, -1, -1),) * 4)


@mistake(
    flip_convention,
    "weights that were turned from the first to the last",
    ask="Which of r, z and n does the other convention write differently?",
    look="the rows that you turn: hidden_size of the 3 * hidden_size belong to z.",
)
def _(*weights):
    return turned(weights, ((-1, -1, -1),) * 4)


@mistake(
    flip_convention,
    "weights whose reset gate was turned in place of the update gate",
    ask="In the order r, z, n: at which row does z begin?",
    look="the slice of rows: the first block is the reset gate's.",
)
def _(*weights):
    return turned(weights, ((-1, 1, 1),) * 4)


@mistake(
    flip_convention,
    "weights w that became 1 - w",
    ask="You want 1 - sigmoid(s). Which sum s' has sigmoid(s') = 1 - sigmoid(s)?",
    look="the sigmoid: it turns round a point, so 1 - sigmoid(s) is the sigmoid of something simple.",
)
def _(*weights):
    def rest_of(tensor: Tensor) -> Tensor:
        r, z, n = tensor.chunk(3)
        return torch.cat([r, 1 - z, n])

    return tuple(map(rest_of, weights))
