"""Section 2.6: does the next unit pay more in depth or in width?"""

import copy
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from course_lib.explorers import Choice, Explorer, LearnerError, Prediction, Quest, Slider, Text, learners_code
from course_lib.figures.pieces import APART, DEEPEST, HEIGHT, KINDS, WIDEST, WIDTH, build_pieces, update_pieces
from course_lib.foundations.bends import PIECES, SEEDS, bends, error_of, trained
from course_lib.foundations.pieces import (
    composed,
    hinges,
    kinks,
    most_pieces,
    pieces,
    random_start,
    relu_network,
    sawtooth,
    tents,
    zigzag,
)

TENTS, YOURS, RANDOM, TRAINED = KINDS
STEPS, FINER = 120, 7  # at which a unit's own curve is drawn; and how many it is looked at for each
ASKED = 1024  # pieces up to which the learner's function is asked
ANSWERS = ("13, as one layer of 12 units", "36", "64")


class PiecesExplorer(Explorer):
    """A ReLU network from one number to one: its units, its output piece by piece, and its pieces against its units.

    `learner=` takes the `count_pieces` of the exercise, and shows what it counts in the network on the picture.
    """

    id = "foundations.deep-learning"
    size = (WIDTH, HEIGHT)
    controls = {
        "kind": Choice(options=tuple(KINDS), start=TENTS, label="network"),
        "depth": Slider(low=1, high=DEEPEST, step=1, start=2, label="layers"),
        "units": Slider(low=1, high=WIDEST, step=1, start=2, label="units of each"),
        "height": Slider(low=0.1, high=1.0, step=0.05, start=1.0, label="height of yours"),
        "seed": Slider(low=0, high=SEEDS - 1, step=1, start=0, label="seed"),
        "hinges": Text(start="0.3", label="hinges of yours", tries=("0.5", "0.2 0.6 0.7", "0.9")),
    }
    quests = (
        Quest("twelve", "spend 12 units, no more, on more than 64 pieces",
              lambda data: data["spent"] <= 12 and data["pieces"] > 64),
        Quest("stuck", "your hinges, at least one, and 4 layers or more, which together make no more pieces than the "
              "first of them alone",
              lambda data: data["kind"] == YOURS and len(data["path"]) >= 4 and data["pieces"] == data["path"][0] > 1),
        Quest("deeper", "a trained network with more than twice the pieces of as many units trained in one layer",
              lambda data: data["kind"] == TRAINED and data["pieces"] > 2 * data["wide"][-1]),
    )  # fmt: skip
    presets = (
        {"depth": 1},
        {"depth": 6},
        {"depth": 4, "units": 3, "kind": YOURS, "hinges": "0.2 0.6"},
        {"depth": 4, "units": 4, "kind": RANDOM},
        {"depth": 4, "units": 6, "kind": TRAINED},
    )
    sweep_from = {"depth": 3, "units": 4}

    def compute(self, kind, depth, units, height, seed, hinges):
        places, height = read_hinges(hinges), round(height, 2)  # a slider's 0.3 may be 0.30000000000000004
        settings = {TENTS: (), YOURS: (places, height), RANDOM: (seed,), TRAINED: (seed,)}
        depths, chosen = range(1, depth + 1), settings[kind]
        path = [counted(kind, d, units, *chosen) for d in depths]
        wide = [in_one_layer(kind, d * units, *chosen) for d in depths]
        limit = [most_pieces([units] * d) for d in depths]
        table = {"at most": (limit[-1], most_pieces([depth * units]))}
        for name, rest in settings.items():
            table[name] = counted(name, depth, units, *rest), in_one_layer(name, depth * units, *rest)
        net = built(kind, depth, units, *chosen)
        x, y, up_to = drawn(kind, depth, units, *chosen)
        yours = None if self.learner is None or path[-1] > ASKED else self._counted_by_learner(net)
        return {
            "kind": kind, "depth": depth, "each": units, "spent": depth * units, "pieces": path[-1],
            "title": titled(kind, depth, units, path[-1]) + (f" (yours: {yours:,})" if yours is not None else ""),
            "shown": shown(kind, path[-1]), "path": path, "wide": wide, "limit": limit, "table": table,
            "weights": [layer.weight.detach().numpy() for layer in net if isinstance(layer, nn.Linear)],
            "units": outputs(net, up_to), "hinges": up_to, "x": x, "y": y,
            "wanted": wanted() if kind == TRAINED else None,
            "error": error_of(net) if kind == TRAINED else None,
            "idle": max(units - 1 - len(places), 0) if kind == YOURS else 0,
            "yours": yours, "asked": self.learner is not None and path[-1] <= ASKED,
            "shortest": np.diff(x).min(), "faintest": faintest(bent(kind, depth, units, *chosen)[1]),
            "not asked": self.learner is not None and path[-1] > ASKED,
        }  # fmt: skip

    def _counted_by_learner(self, net: nn.Sequential) -> int | None:
        """What the learner's function counts in a copy of the network; None if it is not written yet."""
        with learners_code("Your count_pieces"):
            count = self.learner(copy.deepcopy(net), 0.0, 1.0)
        if count is None or count is ...:
            return None
        if isinstance(count, torch.Tensor) and count.ndim == 0:
            count = count.item()
        if isinstance(count, bool) or not isinstance(count, int | np.integer):
            raise LearnerError(f"Your count_pieces returned {count!r:.60}; a number of pieces is a whole number.")
        return int(count)

    def build(self, figure):
        return build_pieces(figure)

    def update(self, artists, data):
        update_pieces(artists, data)

    def describe(self, data):
        depth, units, path = data["depth"], data["each"], data["path"]
        made = f"{titled(data['kind'], depth, units, path[-1])}, from {plural(data['spent'], 'unit')} in all. "
        if depth > 1:
            made += (
                f"One layer less makes {path[-2]:,}; {plural(units, 'unit')} more in a single layer bring "
                f"{units} at most. "
            )
        else:
            made += f"A single layer makes {data['limit'][-1]} at most, one more than it has units. "
        if data["error"] is not None:
            made += (
                f"It lies {data['error']:.2f} off its curve in the root mean square, and a flat line {flat():.2f}; 5 "
                f"layers of 3 units, set by hand, draw all {PIECES} pieces of it. "
            )
        if data["idle"]:
            made += f"{plural(data['idle'], 'unit')} of each layer found no hinge in your list. "
        if data["not asked"]:
            made += f"Your count_pieces is not asked about more than {ASKED:,} pieces."
        elif data["asked"]:
            made += "Your count_pieces is not started." if data["yours"] is None else compared(data)
        return made.strip()


def pieces_prediction() -> Prediction:
    """How many pieces do six layers of two units make?"""
    return Prediction(
        question="12 ReLU units in one layer draw a line of 13 straight pieces at most. Now stand them in 6 layers of "
        "2, each of which folds in two what it gets. How many pieces does the line have then?",
        options=ANSWERS,
        then={"kind": TENTS, "depth": 6, "units": 2},
        result=lambda data: min(ANSWERS, key=lambda answer: abs(int(answer.split(",")[0]) - data["pieces"])),
    )


def opening_state() -> dict:
    """Where the prediction is still open: one layer."""
    return {"depth": 1}


# ---- networks, kept: a move of one control needs few anew --------------------------------------------------------


@lru_cache(maxsize=256)
def built(kind: str, depth: int, units: int, *settings) -> nn.Sequential:
    """A network of one of the kinds, with the settings that the kind has."""
    if kind == YOURS:
        places, height = settings
        return relu_network(composed([zigzag(places[: units - 1], height, units)] * depth))
    return {TENTS: tents, RANDOM: random_start, TRAINED: trained}[kind](depth, units, *settings)


@lru_cache(maxsize=128)
def bent(kind: str, depth: int, units: int, *settings) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the slope changes between 0 and 1, and by how much: (kinks,) each."""
    return kinks(built(kind, depth, units, *settings), 0, 1)


def counted(kind: str, depth: int, units: int, *settings) -> int:
    """How many pieces it makes between 0 and 1."""
    return len(bent(kind, depth, units, *settings)[0]) + 1


@lru_cache(maxsize=256)
def in_one_layer(kind: str, units: int, *settings) -> int:
    """How many pieces one hidden layer of so many units makes: at best if set by hand, else started or trained so."""
    return pieces(sawtooth(units)) if kind in (TENTS, YOURS) else counted(kind, 1, units, *settings)


@lru_cache(maxsize=32)
@torch.no_grad()
def drawn(kind: str, depth: int, units: int, *settings) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Where the pieces of the output end, x and y (pieces + 1,); and how many hinges there are up to each layer.

    What starts at random answers anything; it is stretched, so that it reaches from 0 to 1.
    """
    net = built(kind, depth, units, *settings)
    x = torch.cat([torch.zeros(1).double(), bent(kind, depth, units, *settings)[0], torch.ones(1).double()])
    y = net(x.unsqueeze(1)).squeeze(1).numpy()
    if kind == RANDOM:
        y = (y - y.min()) / max(y.max() - y.min(), 1e-12)
    return x.numpy(), y, [len(hinges(net[: 2 * d + 1], 0, 1)) for d in range(1, depth + 1)]


def faintest(change: torch.Tensor) -> float:
    """The smallest change of slope; 0 if there is none."""
    return change.abs().min().item() if len(change) else 0.0


@torch.no_grad()
def outputs(net: nn.Sequential, up_to: list[int]) -> list[np.ndarray]:
    """What the units of each hidden layer give out for numbers from 0 to 1: (units, STEPS) each.

    Where a layer has more hinges than there are steps, the lowest and the highest of a stretch stand for it.

    Args:
        net: a ReLU network of one number.
        up_to: how many hinges there are up to each hidden layer.
    """
    fine = torch.linspace(0, 1, STEPS * FINER, dtype=torch.float64).unsqueeze(1)
    h, made = fine, []
    for layer in net[:-1]:
        h = layer(h)
        if isinstance(layer, nn.ReLU):
            if up_to[len(made)] < STEPS // 2:
                made.append(h[::FINER].T.numpy())
            else:
                stretches = h.T.reshape(h.shape[1], STEPS // 2, 2 * FINER)
                made.append(torch.stack([stretches.amin(dim=2), stretches.amax(dim=2)], dim=2).flatten(1).numpy())
    return made


@cache
def wanted() -> tuple[np.ndarray, np.ndarray]:
    """The curve that networks were trained on, (points,) each."""
    return tuple(along.squeeze(1).numpy() for along in bends())


@cache
def flat() -> float:
    """How far off the curve the best flat line is, in the root mean square."""
    return float(wanted()[1].std())


# ---- words ------------------------------------------------------------------------------------------------------


def read_hinges(text: str) -> tuple[float, ...]:
    """The numbers of a text, in order.

    Raises:
        ValueError: one is no number between 0 and 1, two are closer than 0.01, or there are too many.
    """
    try:
        places = sorted(float(word) for word in text.replace(",", " ").split())
    except ValueError as error:
        raise ValueError(f"hinges are numbers with spaces between, such as 0.3 0.6, not «{text}»") from error
    if len(places) >= WIDEST:
        raise ValueError(f"{WIDEST - 1} hinges at most: the first of {WIDEST} units has none to place")
    if not all(right - left >= 0.01 for left, right in pairwise([0.0, *places, 1.0])):  # nan is refused too
        raise ValueError("hinges lie between 0 and 1, each at least 0.01 away from the next and from both ends")
    return tuple(places)


def plural(count: int, what: str) -> str:
    """How many of something."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def titled(kind: str, depth: int, units: int, count: int) -> str:
    """What is shown."""
    name = {TENTS: "Tents composed", YOURS: "Your hinges", RANDOM: "Random start", TRAINED: "Trained"}[kind]
    return f"{name}, {plural(depth, 'layer')} of {plural(units, 'unit')}: {plural(count, 'piece')}"


def shown(kind: str, count: int) -> str:
    """What the output is drawn as."""
    if count > APART:
        return "the output: its pieces are too narrow to be seen, and fill a band"
    if kind == TRAINED:
        return "the output, and dotted the curve that it was trained on"
    return "the output, piece by piece" + ", stretched to its lowest and highest" * (kind == RANDOM)


def compared(data: dict) -> str:
    """A sentence on the learner's count beside ours."""
    if data["yours"] == data["pieces"]:
        return f"Your count_pieces finds {data['yours']:,}, too."
    return (
        f"Your count_pieces finds {data['yours']:,}; ours finds {data['pieces']:,}. The shortest is "
        f"{data['shortest']:.2g} long, the smallest change of slope {data['faintest']:.2g}."
    )
