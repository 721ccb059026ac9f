"""Section 2.4: one walk down a loss. Which learning rates creep, converge, zigzag or blow up?"""

from functools import cache

import numpy as np

from course_lib.explorers import Choice, Explorer, Prediction, Quest, Slider, Steps
from course_lib.figures.descent import FASTEST, HEIGHT, MOST_STEPS, REACH, WIDTH, build_rates, update_rates
from course_lib.foundations.descent import (
    ADAM,
    DESCENT,
    METHODS,
    STEEPEST,
    Surface,
    bowl,
    contraction,
    double_well,
    largest_rate,
    walk,
)

PARABOLA, VALLEY, WELL = "parabola", "valley", "double well"
GRID = np.linspace(-REACH, REACH, 161)
RATES = np.linspace(0, FASTEST, 201)
LEVELS = (0.01, 0.05, 0.15, 0.35, 0.65, 0.8, 1.0, 1.5, 2.5, 4.0, 7.0, 11.0)  # of the contours, above the minimum
NOTE = "Adam has no fixed factor: it divides each step by the gradient's own size"
NEAR = 0.02  # of a minimum: there
FATES = ("it is 0: all the sooner there", "it has fallen, more slowly than before", "it is what it was at the start",
         "it has grown")  # fmt: skip


class LearningRateExplorer(Explorer):
    """A walk down a parabola, a valley or a double well. Which rates creep, converge, zigzag or blow up?"""

    id = "foundations.learning-rate"
    size = (WIDTH, HEIGHT)
    controls = {
        "surface": Choice(options=(PARABOLA, VALLEY, WELL), start=VALLEY),
        "method": Choice(options=METHODS, start=DESCENT),
        "rate": Slider(low=0.005, high=FASTEST, step=0.005, start=0.1, label="learning rate"),
        "ratio": Slider(low=1, high=100, step=1, start=10, label="curvature ratio"),
        "start_1": Slider(low=-2.2, high=2.2, step=0.1, start=-1.8, label="start, w₁"),
        "start_2": Slider(low=-2.2, high=2.2, step=0.1, start=1.6, label="start, w₂"),
        "steps": Steps(high=MOST_STEPS, start=30, run=1),
    }
    quests = (
        Quest("forever", "on the parabola, find the rate at which gradient descent neither comes nearer nor gets away, "
              "in 20 steps or more",
              lambda data: data["surface"] == PARABOLA and data["method"] == DESCENT and len(data["losses"]) > 20
              and data["losses"][0] > 0.1 and np.ptp(data["losses"]) < 1e-6 * data["losses"][0]),
        Quest("ravine", "in a valley of ratio 100, start at least 1 away along both weights and come within "
              f"{NEAR} of the minimum in 100 steps",
              lambda data: data["surface"] == VALLEY and data["ratio"] == 100 and data["distance"] < NEAR
              and np.abs(data["path"][0]).min() >= 1),
        Quest("out", "in the double well, start at w₁ = 0.5 or further right and end with w₁ within "
              f"{NEAR} of the deeper minimum's, on the left",
              lambda data: data["surface"] == WELL and data["path"][0, 0] >= 0.5
              and abs(data["path"][-1, 0] - data["minima"][0, 0]) < NEAR),
    )  # fmt: skip
    presets = (
        {},
        {"surface": PARABOLA, "rate": 0.49},
        {"surface": WELL, "start_1": 1.8},
        {"method": METHODS[1], "ratio": 60, "steps": 100},
        {"method": ADAM, "ratio": 60, "steps": 100},
        {"rate": 0.6},
    )
    sweep_from = {"steps": 40}

    def compute(self, surface, method, rate, ratio, start_1, start_2, steps):
        parabola = surface == PARABOLA
        ground = ground_of(surface, ratio)
        path = walk(ground.gradient, (start_1, 0.0 if parabola else start_2), rate, steps, method)
        lowest = float(ground.loss(*ground.minima[0]))
        losses = ground.loss(*path.T) - lowest
        nearest = int(np.hypot(*(ground.minima - path[-1]).T).argmin())
        curvatures = ground.curvatures[nearest][: 1 if parabola else 2]
        curvatures = curvatures if method != ADAM else curvatures[:0]
        factors = [contraction(rate, of, method) for of in curvatures]
        along = np.full((2, len(RATES)), np.nan)
        for direction, of in enumerate(curvatures):
            along[direction] = _unbroken([_signed(contraction(r, of, method)) for r in RATES])
        return {
            "surface": surface,
            "ratio": ratio,
            "title": _title(surface, ratio),
            "method": method,
            "grid": GRID,
            "loss": _losses(surface, ratio) - lowest,
            "levels": () if parabola else LEVELS,
            "minima": ground.minima,
            "nearest": nearest,
            "distance": float(np.hypot(*(path[-1] - ground.minima[0]))),
            "path": path,
            "losses": losses,
            "blown": len(path) <= steps,
            "rate": rate,
            "rates": RATES,
            "factors": along,
            "here": np.array([*map(_signed, factors), np.nan, np.nan][:2]),
            "names": ("along w₁", "along w₂")[: len(factors)],
            "said": [f"{_times(factor)}, {_manner(factor)}" for factor in factors],
            "note": "" if factors else NOTE,
            "largest": largest_rate(float(ground.curvatures[nearest].max()), method),
        }

    def build(self, figure):
        return build_rates(figure)

    def update(self, artists, data):
        update_rates(artists, data)

    def clicked(self, axes, x, y, other):
        if axes is not self.canvas.artists["axes"]["plane"]:
            return {}
        start = {name: round(float(np.clip(of, -2.2, 2.2)), 1) for name, of in (("start_1", x), ("start_2", y))}
        return {"start_1": start["start_1"]} if self.state()["surface"] == PARABOLA else start

    def describe(self, data):
        count = len(data["path"]) - 1
        text = f"{data['method'].capitalize()} at rate {data['rate']:.3g}, {data['title']}. "
        if data["said"]:
            ways = " and ".join(f"{name} {of.replace(', ', ' (')})" for name, of in
                                zip(data["names"], data["said"], strict=True))  # fmt: skip
            near = "Near this minimum each" if data["surface"] == WELL else "Each"
            ways = ways.replace("size", "in size ×")
            text += f"{near} step takes the distance {ways}; above the rate {data['largest']:.3g} it would grow. "
        else:
            text += f"{NOTE}. "
        if data["blown"]:
            return f"{text}It blew up: after {count} steps a weight is beyond a million."
        text += f"After {count} step{'s' * (count != 1)} the loss is {data['losses'][-1]:.2g} above the minimum's"
        if data["surface"] == WELL:
            side = ("left, the deeper one", "right, the shallower one")[data["nearest"]]
            text += f", and the walk is nearest to the minimum on the {side}"
        return (text + ".").replace("-", "−")


def rate_state() -> dict:
    """The view that section 2.4's prediction opens: one step is enough."""
    return {"surface": PARABOLA, "rate": 0.25}


def rate_prediction() -> Prediction:
    """What does twice the best rate do?"""
    return Prediction(
        question="On this parabola the rate 0.25 is the best there is: one step, and the walk is at the minimum. Now "
        "the rate is doubled to 0.5. What will the loss be after 30 steps?",
        options=FATES,
        then={"rate": 0.5},
        result=fate,
    )


def fate(data: dict) -> str:
    """What became of the loss, as the prediction puts it."""
    first, last = data["losses"][[0, -1]]
    if last < 1e-12:
        return FATES[0]
    return FATES[2] if abs(last - first) < 1e-6 * first else FATES[1] if last < first else FATES[3]


@cache
def ground_of(surface: str, ratio: int) -> Surface:
    """The surface, so many times as steep along w1 as along w2; a parabola has no second direction."""
    return {PARABOLA: bowl, VALLEY: bowl, WELL: double_well}[surface](STEEPEST / ratio)


@cache
def _losses(surface: str, ratio: int) -> np.ndarray:
    """Over the grid, (points, points) with w2 down; of a parabola over w1 alone, (points,)."""
    ground = ground_of(surface, ratio)
    return ground.loss(GRID, 0.0) if surface == PARABOLA else ground.loss(*np.meshgrid(GRID, GRID))


def _title(surface: str, ratio: int) -> str:
    if surface == PARABOLA:
        return f"a parabola of curvature {STEEPEST:g}"
    return f"a {surface}, along w₁ {ratio} times as steep as along w₂" if ratio > 1 else f"a {surface}, round"


def _signed(factor: complex) -> float:
    """A factor as a height: of a complex one, which swings, its size."""
    return abs(factor) if isinstance(factor, complex) and factor.imag else factor.real


def _unbroken(heights: list[float]) -> np.ndarray:
    """Heights for a line, with a gap where they jump from swinging to zigzagging."""
    heights = np.array(heights)
    heights[1:][np.abs(np.diff(heights)) > 1] = np.nan
    return heights


def _times(factor: complex) -> str:
    sign = "size" if factor.imag else "×"
    return f"{sign} {_signed(factor):.3f}".replace("-", "−")


def _manner(factor: complex) -> str:
    """What a factor does, in words."""
    size, sign = abs(factor), _signed(factor)
    if size > 1 + 1e-9:
        return "blows up"
    if size > 1 - 1e-9:
        return "never settles"
    if isinstance(factor, complex) and factor.imag:
        return "swings"
    return "zigzags" if sign < -1e-9 else "creeps" if sign > 0.95 else "converges"
