"""Write one step of the GRU, with the reset on either side of the matrix."""

from collections.abc import Iterator

import torch
from torch import Tensor

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.recurrent.exercises.gru.common import GRU_WEIGHTS, QUARTERS, blocks, random_weights, unit_weights


def gates_of(*step: Tensor) -> tuple[Tensor, Tensor]:
    """Reset and update gate of a step (x, h, W_ih, W_hh, b_ih, b_hh), each (batch, hidden_size)."""
    (x_r, h_r), (x_z, h_z), _ = blocks(*step)
    return torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)


def candidate_sum(r: Tensor, reset: str, *step: Tensor) -> Tensor:
    """What goes into the candidate's tanh, (batch, hidden_size)."""
    x, h, *weights = step
    x_n, h_n = blocks(x, h, *weights)[2]
    _, h_n_of_reset = blocks(x, r * h, *weights)[2]
    return x_n + (r * h_n if reset == "after" else h_n_of_reset)


def plain_gru(*inputs) -> Tensor:
    """The equations as they stand, for (x, h, W_ih, W_hh, b_ih, b_hh, reset)."""
    *step, reset = inputs
    r, z = gates_of(*step)
    return (1 - z) * torch.tanh(candidate_sum(r, reset, *step)) + z * step[1]


def expected(*inputs) -> Tensor:
    """PyTorch's own step where it resets after the matrix; the equations where it does not."""
    *step, reset = inputs
    return torch.gru_cell(*step) if reset == "after" else plain_gru(*inputs)


@exercise(
    "recurrent.gru.reset-gate",
    f"gru_cell(x, h, {GRU_WEIGHTS}, reset) -> h",
    level="core",
    minutes=8,
    without=["gru_cell", "gru"],
    keeps_inputs=True,
)
def gru_cell(rng):
    """Write one step of the GRU, with the reset after the matrix or before it."""

    def random_step(batch: int, input_size: int, hidden_size: int) -> tuple[Tensor, ...]:
        x, h = randn(rng, batch, input_size), randn(rng, batch, hidden_size).tanh()
        return x, h, *random_weights(rng, input_size, hidden_size)

    def cases(step: tuple[Tensor, ...], shown: str, because: str, *resets: str) -> Iterator[Case]:
        for reset in resets:
            inputs = (*step, reset)
            yield Case(inputs, expected=expected(*inputs), shown=f'{shown}, reset="{reset}"', because=because)

    zero, one = torch.zeros(1, 1), torch.ones(1, 1)
    with part("by hand", points=1):
        for step, shown in (
            ((zero, one, *unit_weights()), "x=0, h=1, all weights and biases 0 (so r and z are 0.5)"),
            (
                (zero, one, *unit_weights(on_h=(0.0, 0.0, 2.0), b_x=QUARTERS)),
                "x=0, h=1, W_hn=2, the other weights 0, biases that make r 0.25 and z 0.75",
            ),
            (
                (zero, one, *unit_weights(b_x=QUARTERS, b_h=(0.0, 0.0, 1.0))),
                "x=0, h=1, all weights 0, b_hn=1, biases that make r 0.25 and z 0.75",
            ),
        ):
            because = "work r, z, the candidate n and the blend through on paper, and print yours beside them"
            yield from cases(step, shown, because, "after", "before")
    for reset, because in (
        ("after", "the matrix and its bias come first: r multiplies all of W_hn h + b_hn"),
        ("before", "r meets the old state first, then the matrix mixes the units, then b_hn is added"),
    ):
        with part(f"reset {reset} the matrix", points=1):
            for batch, input_size, hidden_size in ((1, 1, 2), (2, 3, 3), (3, 2, 5)):
                shown = f"batch {batch}, input_size {input_size}, hidden_size {hidden_size}, random numbers"
                yield from cases(random_step(batch, input_size, hidden_size), shown, because, reset)
    with part("where both agree", points=1):
        for batch, input_size, hidden_size in ((1, 2, 3), (4, 3, 4)):
            x, h, W_ih, W_hh, b_ih, b_hh = random_step(batch, input_size, hidden_size)
            W_hh[2 * hidden_size :] *= torch.eye(hidden_size)
            b_hh[2 * hidden_size :] = 0
            shown = f"batch {batch}, input_size {input_size}, hidden_size {hidden_size}, W_hn diagonal, b_hn 0"
            because = "a diagonal matrix minds each unit by itself, so it does not matter when r multiplies"
            yield from cases((x, h, W_ih, W_hh, b_ih, b_hh), shown, because, "after", "before")


@mistake(
    gru_cell,
    "a cell whose reset gate acts in the final blend, not in the candidate",
    ask="With z = 1 the old state should survive whatever r says. Does it in yours?",
    look="the two places where h stands: which of them does r multiply?",
)
def _(*inputs):
    *step, _ = inputs
    r, z = gates_of(*step)
    return (1 - z) * torch.tanh(candidate_sum(torch.ones_like(r), "after", *step)) + z * (r * step[1])


@mistake(
    gru_cell,
    "a cell that overwrites h by the reset state in the before variant, and then blends with it",
    ask='With reset="before", z = 1 and r = 0, what should h be, and where does yours get it from?',
    look="the name that holds r * h: the blend still needs the h that came in.",
)
def _(*inputs):
    *step, reset = inputs
    r, z = gates_of(*step)
    old = step[1] if reset == "after" else r * step[1]
    return (1 - z) * torch.tanh(candidate_sum(r, reset, *step)) + z * old


@mistake(
    gru_cell,
    "gates unpacked in the order z, r, n",
    ask="Which rows of W_ih belong to the gate that blends: the first hidden_size of them, or the second?",
    look="the order in which the three blocks are taken apart: PyTorch packs r, z, n.",
)
def _(*inputs):
    *step, reset = inputs
    z, r = gates_of(*step)
    return (1 - z) * torch.tanh(candidate_sum(r, reset, *step)) + z * step[1]


@mistake(
    gru_cell,
    "a cell that keeps b_hn out of the reset in the after variant",
    ask='With reset="after" and r = 0, does your b_hn still reach the candidate?',
    look="the brackets behind r in the after variant: what do they hold besides the product with h?",
)
def _(*inputs):
    *step, reset = inputs
    r, z = gates_of(*step)
    b_hn = step[-1].chunk(3)[2]
    outside = (1 - r) * b_hn if reset == "after" else 0.0
    return (1 - z) * torch.tanh(candidate_sum(r, reset, *step) + outside) + z * step[1]


@mistake(
    gru_cell,
    "a cell whose update gate lets the candidate in where it should keep",
    ask="With z = 1, is your new h the old one?",
    look="the line of the blend: which of the two does z multiply, and which 1 - z?",
)
def _(*inputs):
    *step, reset = inputs
    r, z = gates_of(*step)
    return z * torch.tanh(candidate_sum(r, reset, *step)) + (1 - z) * step[1]


@mistake(
    gru_cell,
    "a cell that never resets",
    ask="Does another r change your candidate?",
    look="the line of the candidate: the past has to pass a gate there.",
)
def _(*inputs):
    *step, _ = inputs
    r, z = gates_of(*step)
    return (1 - z) * torch.tanh(candidate_sum(torch.ones_like(r), "after", *step)) + z * step[1]


@mistake(
    gru_cell,
    "a cell that resets the share r, and keeps the rest",
    ask="With r = 1, how much of the past should the candidate see, and how much does yours see?",
    look="what multiplies the past in the candidate: the gate's value is the share kept, so 1 means no reset.",
)
def _(*inputs):
    *step, reset = inputs
    r, z = gates_of(*step)
    return (1 - z) * torch.tanh(candidate_sum(1 - r, reset, *step)) + z * step[1]


@mistake(
    gru_cell,
    "a candidate that went through the sigmoid",
    ask="Could your h ever become negative, if it starts at 0?",
    look="the line of the candidate: it is no gate, so which function squeezes it?",
)
def _(*inputs):
    *step, reset = inputs
    r, z = gates_of(*step)
    return (1 - z) * torch.sigmoid(candidate_sum(r, reset, *step)) + z * step[1]


@mistake(
    gru_cell,
    "a cell that always resets after the matrix",
    ask='Does your result change when you ask for reset="before"?',
    look="the candidate: it needs two variants, and `reset` chooses between them.",
)
def _(*inputs):
    *step, _ = inputs
    return plain_gru(*step, "after")


@mistake(
    gru_cell,
    "a cell that always resets before the matrix",
    ask='Does your result change when you ask for reset="after"?',
    look="the candidate: it needs two variants, and `reset` chooses between them.",
)
def _(*inputs):
    *step, _ = inputs
    return plain_gru(*step, "before")


@mistake(
    gru_cell,
    "a cell whose two variants have changed places",
    ask="Which of the two formulas is PyTorch's, and under which value of `reset` does yours stand?",
    look="the line that asks for `reset`: after means that the matrix comes first, and r multiplies what it gives.",
)
def _(*inputs):
    *step, reset = inputs
    return plain_gru(*step, "before" if reset == "after" else "after")


@mistake(
    gru_cell,
    "a product with the weights as they stand",
    ask="In A @ B the columns of A meet the rows of B. How many rows has W_ih?",
    look="the products with the weights: W_ih has one row a unit and block, so it has to be turned before x @ W fits.",
)
def _(x, h, W_ih, W_hh, b_ih, b_hh, reset):
    return x @ W_ih + b_ih
