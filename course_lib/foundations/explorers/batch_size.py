"""Section 2.4: one sample, some samples or all samples an update. On which axis does which method look good?"""

import numpy as np

from course_lib.explorers import Choice, Explorer, Quest, Slider, Steps
from course_lib.figures.descent import HEIGHT, WIDTH, build_batches, update_batches
from course_lib.foundations.regression import best, learn, loss, pixel_pairs, seconds_per_update

SIZES = ("2", "4", "16", "64", "256")
MOST = 1000  # updates
LINE = 0.01  # the loss that is wanted, above the least possible
AXES = ("updates", "samples", "seconds")
ONE, ALL = 0, 2  # of the three runs; the one between takes some samples at a time


class BatchSizeExplorer(Explorer):
    """A linear regression learnt one sample, some, or all samples at a time. On which axis does which look good?"""

    id = "foundations.gradient-descent.mini-batch"
    size = (WIDTH, HEIGHT)
    controls = {
        "batch_size": Choice(options=SIZES, start="64", label="batch size"),
        "rate": Slider(low=0.02, high=1.8, step=0.02, start=0.1, label="learning rate"),
        "seed": Slider(low=0, high=20, step=1, start=0, label="seed of the order"),
        "updates": Steps(low=1, high=MOST, start=400, run=20),
    }
    quests = (
        Quest("apart", "find a rate at which the run on one sample at a time ends higher than it began, and the one on "
              "all samples below 0.000001",
              lambda data: data["losses"][ONE][-1] > data["losses"][ONE][0] and data["losses"][ALL][-1] < 1e-6),
        Quest("thrifty", "with batches, get below the line and stay there after fewer than 1,500 samples",
              lambda data: data["settled"][1] is not None and data["settled"][1] * data["sizes"][1] < 1500),
        Quest("calm", "let the run on one sample at a time stay below the line for the last quarter of its updates",
              lambda data: data["settled"][ONE] is not None),
    )  # fmt: skip
    presets = (
        {},
        {"batch_size": "16", "updates": MOST},
        {"rate": 0.5, "updates": MOST},
        {"rate": 1.5, "batch_size": "256"},
        {"rate": 0.02, "updates": MOST},
    )

    def compute(self, batch_size, rate, seed, updates):
        samples = len(pixel_pairs()[0])
        sizes = (1, int(batch_size), samples)
        runs = [learn(size, rate, seed, MOST) for size in sizes]
        losses = [run.losses[: updates + 1] for run in runs]
        settled = [stays_below(of, LINE) for of in losses]
        costs = np.array([[1.0] * 3, sizes, [seconds_per_update(size) for size in sizes]])
        takes = [[None if k is None else k * cost for k, cost in zip(settled, row, strict=True)] for row in costs]
        first = [soonest(row) for row in takes]
        return {
            "sizes": sizes,
            "calls": ("1", batch_size, "all"),
            "names": ("1 at a time", f"{sizes[1]:,} at a time", f"all {samples:,} at once"),
            "paths": [run.path[: updates + 1] for run in runs],
            "losses": losses,
            "settled": settled,
            "costs": costs,
            "first": first,
            "took": [_amount(min(row[which] for which in some), axis) if some else ""
                     for axis, some, row in zip(AXES, first, takes, strict=True)],
            "rate": rate,
            "updates": updates,
        }  # fmt: skip

    def build(self, figure):
        w, b = np.linspace(-0.9, 1.5, 121), np.linspace(-0.6, 1.3, 121)
        return build_batches(figure, w, b, loss(*np.meshgrid(w, b)) - loss(*best()), LINE)

    def update(self, artists, data):
        update_batches(artists, data)

    def describe(self, data):
        text = f"Rate {data['rate']:.2f}, {data['updates']} updates each. "
        text += ", ".join(f"{name}: {_short(of[-1])}" for name, of in zip(data["names"], data["losses"], strict=True))
        text += f" above the least possible loss. First to stay below {LINE} (ties within 5 %), counted "
        winners = [", ".join(data["calls"][which] for which in some) or "none" for some in data["first"]]
        return text + "; ".join(f"in {axis}: {names}" for axis, names in zip(AXES, winners, strict=True)) + "."


def stays_below(losses: np.ndarray, line: float) -> int | None:
    """The first update from which on the loss stays below a line, for the last quarter of the run at least."""
    above = np.flatnonzero(~(losses < line))
    first = int(above[-1]) + 1 if len(above) else 0
    return first if first <= 0.75 * (len(losses) - 1) else None


def soonest(takes: list[float | None]) -> list[int]:
    """The runs that took least, those within a twentieth of it included; none where no run got there."""
    least = min((of for of in takes if of is not None), default=0)
    return [which for which, of in enumerate(takes) if of is not None and of <= 1.05 * least]


def _amount(of: float, axis: str) -> str:
    if axis == "seconds":
        return f"{1e3 * of:.1f} ms"
    return f"{of:,.0f} {axis}" if of < 1e6 else f"{of / 1e6:.1f} M {axis}"


def _short(value: float) -> str:
    return f"{value:.1e}" if value >= 100 or 1e-12 < value < 1e-3 else f"{max(value, 0):.2g}"
