"""Section 4.2: when does the signal fade, persist or blow up?"""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.explorers import Choice, Explorer, Prediction, Quest, Slider
from course_lib.figures.lag_gradients import MOST_LAG, build_lag_gradients, update_lag_gradients
from course_lib.recurrent.gradients import gradient_by_lag, spectral_radius
from course_lib.recurrent.gru import GRU
from course_lib.recurrent.lstm import LSTM, LSTMState
from course_lib.recurrent.rnn import ACTIVATIONS, RNN
from course_lib.seeds import seeded

UNITS, BATCH = 32, 4
INPUT_SPREAD = 0.2  # of each entry of the inputs; small, so that W_hh and the bias decide
COUPLING = 2.0  # of the non-normal matrix, beside eigenvalues of modulus 1
BLOCKS = {"RNN": 1, "LSTM": 4, "GRU": 3}  # PyTorch packs so many matrices: i, f, g, o and r, z, n
CANDIDATE, KEEPING = 2, 1  # of these blocks: the candidate, and the gate that keeps (forget or update)
MATRICES = ("orthogonal", "random normal", "non-normal")


def share(data: dict, lag: int) -> float:
    """The gradient at a lag as a multiple of that at lag 0; 0 if there is none."""
    return float(data["norms"][lag] / data["norms"][0]) if data["norms"][0] else 0.0


def fate(multiple: float) -> str:
    """A word for a gradient that is so many times what it was at lag 0."""
    return "it explodes" if multiple > 1e3 else "it vanishes" if multiple < 1e-3 else "neither"


class GradientExplorer(Explorer):
    """The gradient of a recurrent network's last hidden state by each of its last 101 inputs.

    32 units read four random sequences; W_hh is `scale` times an orthogonal matrix, one of normally distributed entries
    of variance 1 / 32, or a non-normal one whose eigenvalues have modulus 1. An LSTM or a GRU has such a matrix in each
    of its blocks; its candidate's is the RNN's, and `bias` is added to its candidate.
    """

    id = "recurrent.vanishing"
    size = (880, 430)
    controls = {
        "cell": Choice(options=tuple(BLOCKS), start="RNN"),
        "activation": Choice(options=tuple(ACTIVATIONS), start="tanh", label="RNN activation"),
        "matrix": Choice(options=MATRICES, start="orthogonal", label="matrix W_hh"),
        "scale": Slider(low=0.0, high=3.0, step=0.05, start=0.8, label="scale of W_hh"),
        "bias": Slider(low=-3.0, high=3.0, step=0.1, start=0.0),
        "gate_bias": Slider(low=-3.0, high=6.0, step=0.1, start=0.0, label="keep-gate bias"),
        "seed": Slider(low=0, high=9, step=1, start=0),
    }
    quests = (
        Quest("keep", "RNN with tanh: keep the gradient at lag 50 within a factor of 10 of that at lag 0",
              lambda data: data["cell"] == "RNN" and data["activation"] == "tanh" and 0.1 <= share(data, 50) <= 10),
        Quest("large-vanishes", "RNN: with a spectral radius of W_hh above 1.4, make the gradient at lag 20 fall below "
              "a millionth of that at lag 0",
              lambda data: data["cell"] == "RNN" and data["radii"][0] > 1.4 and 0 < share(data, 20) < 1e-6),
        Quest("gate", "LSTM or GRU: keep a tenth of the gradient at lag 50 where the RNN with the same W_hh keeps less "
              "than a millionth",
              lambda data: data["plain"] is not None and share(data, 50) >= 0.1
              and data["plain"][50] < 1e-6 * data["plain"][0]),
    )  # fmt: skip
    presets = ({}, {"scale": 1.5, "bias": 3.0}, {"matrix": "non-normal", "scale": 0.5}, {"cell": "LSTM"},
               {"cell": "GRU", "gate_bias": 3.0})  # fmt: skip
    sweep_from = {"cell": "LSTM", "scale": 1.5}

    def compute(self, cell, activation, matrix, scale, bias, gate_bias, seed):
        run = measure(cell, activation if cell == "RNN" else "tanh", matrix, scale, bias,
                      gate_bias if cell != "RNN" else 0.0, seed)  # fmt: skip
        plain = measure("RNN", activation, matrix, scale, bias, 0.0, seed) if cell != "RNN" else None
        norms, lags = run["norms"], np.arange(MOST_LAG + 1)
        of_matrix, of_step = run["radii"]
        return run | {
            "cell": cell,
            "activation": activation,
            "plain": plain["norms"] if plain else None,
            "of_matrix": None if of_matrix is None else norms[0] * of_matrix**lags,
            "of_step": norms[0] * of_step**lags,
        }

    def build(self, figure):
        return build_lag_gradients(figure)

    def update(self, artists, data):
        update_lag_gradients(artists, data)

    def describe(self, data):
        norms, (of_matrix, of_step) = data["norms"], data["radii"]
        name = f"The RNN with {data['activation']}" if data["cell"] == "RNN" else f"The {data['cell']}"
        if not norms[0]:
            return f"{name} passes no gradient at all: every unit is off at the last step."
        at_0, at_20, at_50, at_100 = (_short(norms[lag]) for lag in (0, 20, 50, 100))
        multiple = share(data, 50)
        ends = fate(multiple)
        text = (
            f"{name}: the gradient is {at_0} at lag 0, {at_20} at lag 20, {at_50} at lag 50 and {at_100} at lag 100; "
            f"over 50 steps it is multiplied by {_short(multiple)}{'' if ends == 'neither' else f': {ends}'}."
        )
        if of_matrix is not None:
            text += f" W_hh has spectral radius {of_matrix:.2f}; the root mean square of the units' slopes is "
            text += f"{data['slope']:.2f}."
        text += f" The Jacobian of one step has spectral radius {of_step:.2f}."
        if data["plain"] is not None:
            text += f" An RNN with the same W_hh has {_short(data['plain'][50])} at lag 50."
        return text


def _short(norm: float) -> str:
    if norm == 0 or 0.01 <= norm < 1000:
        return f"{norm:.2g}" if norm < 100 else f"{norm:.0f}"
    return f"{norm:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def gradient_prediction() -> Prediction:
    """What does a large bias do to the gradient of a network with a large W_hh?"""
    return Prediction(
        question="W_hh is 1.5 times an orthogonal matrix: its spectral radius is 1.5. Large weights and large "
        "activations make the gradient explode, says a textbook. A bias of 3 is added to every tanh unit. Is the "
        "gradient 20 steps back more than 1000 times that at lag 0 (it explodes), less than a thousandth of it (it "
        "vanishes), or neither?",
        options=("it explodes", "neither", "it vanishes"),
        then={"cell": "RNN", "activation": "tanh", "matrix": "orthogonal", "scale": 1.5, "bias": 3.0},
        result=lambda data: fate(share(data, 20)),
    )


@lru_cache(maxsize=64)
def measure(cell: str, activation: str, matrix: str, scale: float, bias: float, gate_bias: float, seed: int) -> dict:
    """One network and its gradients.

    Returns:
        `norms` (lags + 1,); `matrix` (units,) and `step` (state,), the eigenvalues of W_hh and of the Jacobian of
        one step more, the former None for gated cells; `radii`, the largest modulus of each; `slope`, the root mean
        square of the slopes of the RNN's units along the run, None for gated cells
    """
    net, readable, x = network(cell, activation, matrix, scale, bias, gate_bias, seed)
    runs = []  # what the net returned: the states that the Jacobian is taken at
    net.register_forward_hook(lambda _net, _inputs, returned: runs.append(returned))
    norms = gradient_by_lag(net, x[:, :-1]).numpy()
    ((outputs, last),) = runs  # (batch, time, units), and a state of (1, batch, units) or a pair of them
    state = LSTMState(*(part[0, :1] for part in last)) if cell == "LSTM" else last[0][:1]
    jacobian = step_jacobian(readable.layers[0], x[:1, -1], state)
    plain = cell == "RNN"
    W_hh = readable.layers[0].of_hidden.weight.detach() if plain else None
    return {
        "norms": norms,
        "matrix": torch.linalg.eigvals(W_hh).numpy() if plain else None,
        "step": torch.linalg.eigvals(jacobian).numpy(),
        "radii": (spectral_radius(W_hh) if plain else None, spectral_radius(jacobian)),
        "slope": slopes(outputs, activation).square().mean().sqrt().item() if plain else None,
    }


def network(cell: str, activation: str, matrix: str, scale: float, bias: float, gate_bias: float, seed: int):
    """A network as the controls have it, in double precision, so that small gradients don't become zero.

    Returns:
        PyTorch's fused network, or ours where PyTorch has none; ours with the same weights; the inputs that it reads,
        (batch, lags + 2, units): the last one is for a step more
    """
    with seeded(seed):
        blocks = BLOCKS[cell]
        candidate = recurrent_matrix(matrix, scale)  # drawn first, so that it is the RNN's too
        x = INPUT_SPREAD * torch.randn(BATCH, MOST_LAG + 2, UNITS, dtype=torch.double)
        W_xh = [torch.randn(UNITS, UNITS, dtype=torch.double) / math.sqrt(UNITS) for _ in range(blocks)]
        W_hh = [recurrent_matrix(matrix, scale) for _ in range(blocks - 1)]
        W_hh.insert(CANDIDATE, candidate)
        if cell == "RNN":
            ours = RNN(UNITS, UNITS, activation=activation)
            fused = activation != "identity"
            theirs = nn.RNN(UNITS, UNITS, nonlinearity=activation, batch_first=True) if fused else None
        else:
            ours, theirs = {"LSTM": (LSTM, nn.LSTM), "GRU": (GRU, nn.GRU)}[cell]
            ours, theirs = ours(UNITS, UNITS), theirs(UNITS, UNITS, batch_first=True)
    b = torch.zeros(blocks, UNITS, dtype=torch.double)
    b[min(CANDIDATE, blocks - 1)] = bias
    if blocks > 1:
        b[KEEPING] = gate_bias
    weights = torch.cat(W_xh), torch.cat(W_hh), b.flatten(), torch.zeros_like(b).flatten()
    ours = ours.double()
    with torch.no_grad():
        ours.layers[0].take(*weights)
        if theirs is None:
            return ours, ours, x
        for parameter, values in zip(theirs.double().parameters(), weights, strict=True):
            parameter.copy_(values)
    return theirs, ours, x


def recurrent_matrix(kind: str, scale: float) -> Tensor:
    """A matrix of the given kind times `scale`, (units, units), from the global random state.

    Its spectral radius is `scale`, for the random one only about it. The non-normal one turns pairs of units by angles
    spread evenly, and each pair also feeds the one before: its powers grow for a while whatever its eigenvalues.
    """
    if kind == "random normal":
        return scale * torch.randn(UNITS, UNITS, dtype=torch.double) / math.sqrt(UNITS)
    Q, _ = torch.linalg.qr(torch.randn(UNITS, UNITS, dtype=torch.double))
    if kind == "orthogonal":
        return scale * Q
    T = COUPLING * torch.eye(UNITS, dtype=torch.double).roll(2, dims=1).triu()  # pair to pair
    for pair in range(UNITS // 2):
        angle, at = math.pi * (2 * pair + 1) / UNITS, slice(2 * pair, 2 * pair + 2)
        T[at, at] = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return scale * Q @ T @ Q.T


def slopes(hidden: Tensor, activation: str) -> Tensor:
    """The slope of the activation at each hidden state, from the state itself."""
    if activation == "tanh":
        return 1 - hidden**2
    return (hidden > 0).double() if activation == "relu" else torch.ones_like(hidden)


def step_jacobian(cell: nn.Module, x: Tensor, state: Tensor | LSTMState) -> Tensor:
    """The next state by the state, hidden and cell together: (state, state), row by row of the next one.

    Args:
        cell: one of ours.
        x: (1, input_size)
        state: of one sequence, each part (1, hidden_size)
    """
    gated = isinstance(state, LSTMState)
    whole = (torch.cat(state, dim=-1) if gated else state).detach()  # (1, state)
    size = whole.shape[-1]
    rows = whole.repeat(size, 1).requires_grad_()  # the same state once for each entry of the next one
    after = cell(x.expand(size, -1), LSTMState(*rows.chunk(2, dim=-1)) if gated else rows)
    after = torch.cat(after, dim=-1) if gated else after  # (state, state)
    (jacobian,) = torch.autograd.grad(after.diagonal().sum(), rows)
    return jacobian
