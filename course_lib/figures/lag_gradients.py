"""The picture of gradients through time: their size against the lag, and the eigenvalues that set their pace."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from course_lib.figures.style import BLUE, GREEN, GREY, INK, VERMILLION

MOST_LAG = 100
LOWEST, HIGHEST = 1e-20, 1e10  # of the axis
FAR = 1e60  # beyond it, and below 1 / FAR, nothing is drawn: far outside the axis, so that lines leave it as they run
REACH = 3.6  # of the axes of the plane of complex numbers
LEFT, RIGHT = 0.075, 0.665  # where the panels begin
LINES = {
    "norms": {"color": VERMILLION, "lw": 2.4},
    "plain": {"color": GREY, "lw": 1.2},
    "of_matrix": {"color": BLUE, "lw": 1.5, "ls": (0, (5, 3))},
    "of_step": {"color": GREEN, "lw": 1.8, "ls": (0, (1, 1.5))},
}


def build_lag_gradients(figure: Figure) -> dict:
    """Make the two panels; the artists that move come back by name."""
    lags = figure.add_axes((LEFT, 0.115, 0.525, 0.735))
    lags.set(yscale="log", xlim=(-2, MOST_LAG + 2), ylim=(LOWEST / 3, HIGHEST * 3))
    lags.set(xlabel="lag k, in steps", ylabel="gradient norm")
    lags.set_yticks(10.0 ** np.arange(-20, 11, 5))
    lags.minorticks_off()
    lags.grid(axis="y")
    figure.text(LEFT, 0.955, "gradient of the last hidden state by the input k steps before it", va="center")
    eigen = figure.add_axes((RIGHT, 0.115, 0.32, 0.6549))  # as wide as high on 880 × 430
    eigen.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=range(-3, 4), yticks=range(-3, 4), xlabel="real part")
    eigen.set_ylabel("imaginary part", labelpad=0)
    eigen.add_patch(Circle((0, 0), 1, fill=False, ec=INK, lw=1.2))
    for line in (eigen.axhline, eigen.axvline):
        line(0, color=GREY, lw=0.5)
    figure.text(RIGHT, 0.955, "eigenvalues against the unit circle", va="center")

    def write(x: float, y: float, name: str, **style):
        return figure.text(x, y, "", color=LINES[name]["color"], va="center", **style)

    places = {"norms": LEFT, "plain": LEFT + 0.175, "of_matrix": LEFT + 0.175, "of_step": LEFT + 0.405}
    samples = {name: Line2D([x, x + 0.028], [0.9, 0.9], **LINES[name]) for name, x in places.items()}
    for sample in samples.values():
        figure.add_artist(sample)
    return {
        "lines": {name: lags.plot([], [], **style)[0] for name, style in LINES.items()},
        "samples": samples,
        "names": {name: write(x + 0.034, 0.9, name) for name, x in places.items()},
        "matrix": eigen.plot([], [], color=BLUE, marker="x", ms=6, mew=1.2, ls="")[0],
        "step": eigen.plot([], [], color=GREEN, marker="o", ms=3.5, ls="")[0],
        "of_matrix": write(RIGHT, 0.9, "of_matrix"),
        "of_step": write(RIGHT, 0.85, "of_step"),
    }


def update_lag_gradients(artists: dict, data: dict) -> None:
    """Show one network.

    Args:
        artists: what `build_lag_gradients` returned.
        data: `norms` (lags + 1,), `plain` (lags + 1,), the same of the plain RNN, or None where it is the network
            itself; `of_matrix` (lags + 1,) and `of_step` (lags + 1,), what the spectral radii of W_hh and of one
            step's Jacobian J predict, the former None for gated cells; `matrix`, `step`: their complex eigenvalues;
            `radii`; `cell`, the network's name.
    """
    names = {"norms": f"{data['cell']}, measured", "plain": "RNN with the same W_hh",
             "of_matrix": "(radius of W_hh)ᵏ", "of_step": "(radius of J)ᵏ"}  # fmt: skip
    lags = np.arange(MOST_LAG + 1)
    for name, line in artists["lines"].items():
        values = data[name]
        shown = values is not None
        line.set(data=(lags, np.clip(values if shown else np.ones(len(lags)), 1 / FAR, FAR)), visible=shown)
        artists["samples"][name].set_visible(shown)
        artists["names"][name].set_text(names[name] if shown else "")
    for name in ("matrix", "step"):
        values = data[name] if data[name] is not None else np.array([], dtype=complex)
        artists[name].set_data(values.real, values.imag)
    of_matrix, of_step = data["radii"]
    artists["of_matrix"].set_text("" if of_matrix is None else f"× W_hh: radius {of_matrix:.2f}")
    artists["of_step"].set(
        text=f"• J, the Jacobian of a step: radius {of_step:.2f}", y=0.9 if of_matrix is None else 0.85
    )
