"""The picture of gradient clipping: what it does to one vector, and to a walk down a loss that has a cliff."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import withStroke

from course_lib.figures.style import BLUE, GREY, INK, SHARE, VERMILLION

LONGEST = 5  # entry of the gradient in the left panel
MOST_STEPS = 60
LEVELS = (0.04, 0.06, 0.08, 0.3, 0.34, 0.38)  # of the loss, that get a line on the map


def build_clipping(figure: Figure, surface: dict) -> dict:
    """Make the three panels; the artists that move come back by name.

    Args:
        figure: empty.
        surface: `w` (columns,), `b` (rows,) and `loss` (rows, columns) over them: the map, drawn once.
    """
    plane = figure.add_axes((0.065, 0.285, 0.295, 0.64))
    walk = figure.add_axes((0.435, 0.12, 0.33, 0.805))
    losses = figure.add_axes((0.845, 0.12, 0.14, 0.805))
    _build_map(walk, surface)
    losses.set(
        title="loss", xlabel="step", xlim=(-2, MOST_STEPS + 4), yscale="log", ylim=(1e-6, 20), xticks=[0, 20, 40, 60]
    )
    losses.set_yticks([1e-6, 1e-4, 1e-2, 1])
    losses.minorticks_off()
    losses.grid(axis="y")
    return {
        **_build_plane(figure, plane),
        "free": _path(walk, INK, "white"),
        "path": _path(walk, VERMILLION, "white"),
        "start": walk.plot([], [], color=INK, marker="*", ms=13, ls="", path_effects=_halo("white", 2.5), zorder=4)[0],
        "end": walk.plot([], [], color=VERMILLION, marker="o", ms=8, mec="white", ls="", zorder=5)[0],
        "ends": [walk.text(4.04, b, "", color=INK, zorder=6) for b in (-3.05, -3.15)],
        "free_losses": losses.plot([], [], color=INK, lw=1.3)[0],
        "losses": losses.plot([], [], color=VERMILLION)[0],
        "last": losses.plot([], [], color=VERMILLION, marker="o", ms=6, ls="")[0],
        "names": [losses.text(MOST_STEPS, y, "", color=color, ha="right", va="center", fontsize=8.5)
                  for y, color in ((8, INK), (2.2, VERMILLION))],
    }  # fmt: skip


def _build_plane(figure: Figure, plane: Axes) -> dict:
    """The gradient as an arrow, before and after clipping, and what clipping lets through."""
    edge = 1.15 * LONGEST
    ticks = (-LONGEST, -LONGEST / 2, 0, LONGEST / 2, LONGEST)
    plane.set(title="one gradient", xlim=(-edge, edge), ylim=(-edge, edge), xticks=ticks, yticks=ticks)
    plane.set(xlabel="entry g1")
    plane.set_ylabel("entry g2", labelpad=0)
    for line in (plane.axhline, plane.axvline):
        line(0, color=GREY, lw=0.6)

    def arrow(color: str, width: float, zorder: float):
        return plane.quiver([0], [0], [0], [0], color=color, width=width, angles="xy", scale_units="xy", scale=1,
                            headwidth=3.5, headlength=4, headaxislength=3.5, minlength=0.5, zorder=zorder)  # fmt: skip

    def write(x: float, y: float, color: str, **style):
        return figure.text(x, y, "", color=color, va="center", **style)

    region = {"fill": False, "ec": BLUE, "lw": 1.5, "ls": (0, (4, 2))}
    return {
        "square": plane.add_patch(Rectangle((0, 0), 0, 0, **region)),
        "circle": plane.add_patch(Circle((0, 0), 0, **region)),
        "gradient": arrow(INK, 0.011, 3),
        "clipped": arrow(VERMILLION, 0.014, 4),
        "region": write(0.065, 0.028, BLUE),
        "before": write(0.065, 0.122, INK),
        "after": write(0.065, 0.075, VERMILLION, weight="bold"),
    }


def _build_map(walk: Axes, surface: dict) -> None:
    """The loss over both weights; drawn once."""
    w, b, loss = surface["w"], surface["b"], surface["loss"]
    walk.contourf(w, b, loss, levels=np.linspace(0, 0.5, 51), cmap=SHARE)
    lines = walk.contour(w, b, loss, levels=LEVELS, colors="white", linewidths=0.8)
    spots = [_spot(surface, level) for level in LEVELS]
    walk.clabel(lines, fmt="%g", fontsize=8, colors="white", manual=spots)
    walk.set(title="loss over w and b: dark is low", xlabel="weight w", xlim=(w[0], w[-1]), ylim=(b[0], b[-1]))
    walk.set_ylabel("bias b", labelpad=0)
    walk.set(xticks=np.arange(4, 6.1, 0.5), yticks=np.arange(-3, -1.4, 0.5))


def _path(walk: Axes, color: str, edge: str) -> list:
    """A dotted path with an edge. Two plain lines: a path effect would draw each marker by itself, 7 ms a path."""
    under = walk.plot([], [], color=edge, lw=2.6, marker="o", ms=4)[0]
    return [under, walk.plot([], [], color=color, lw=1.2, marker="o", ms=2.6, mew=0)[0]]


def _spot(surface: dict, level: float) -> tuple[float, float]:
    """Where to label the line of this level: near the top of the map on the low side, near its left on the high one."""
    w, b, loss = surface["w"], surface["b"], surface["loss"]
    if level < 0.1:
        row = int(0.85 * len(b))
        falling = np.abs(loss[row] - level)
        return w[len(w) // 4 :][falling[len(w) // 4 :].argmin()], b[row]
    column = int(0.15 * len(w))
    return w[column], b[np.abs(loss[:, column] - level).argmin()]


def _halo(color: str, width: float) -> list:
    return [withStroke(linewidth=width, foreground=color)]


def update_clipping(artists: dict, data: dict) -> None:
    """Show one gradient and one walk.

    Args:
        artists: what `build_clipping` returned.
        data: `gradient` and `clipped` (2,), their `norms` and the `angle` between them in degrees; `mode` and `theta`;
            `path` and `free` (steps + 1, 2), the walk with and without clipping as (w, b), and their `losses` and
            `free_losses` (steps + 1,); `off` and `free_off`, whether the walk ends off the map.
    """
    mode, theta = data["mode"], data["theta"]
    artists["gradient"].set_UVC(*data["gradient"])
    artists["clipped"].set_UVC(*data["clipped"])
    side, radius = (theta if mode == "by value" else 0), (theta if mode == "by norm" else 0)
    artists["square"].set_bounds(-side, -side, 2 * side, 2 * side)
    artists["circle"].set_radius(radius)
    allowed = {"none": "", "by value": f"let through: entries within ±{theta:.1f}",
               "by norm": f"let through: a norm of up to {theta:.1f}"}  # fmt: skip
    before, after = data["norms"]
    artists["region"].set_text(allowed[mode])
    artists["before"].set_text(f"gradient: norm {before:.2f}")
    clipped = f"clipped: norm {after:.2f}, turned by {data['angle']:.0f}°"
    artists["after"].set_text("not clipped" if mode == "none" else clipped)

    for name, line in (("path", "losses"), ("free", "free_losses")):
        shown = name == "path" or mode != "none"
        for part in artists[name]:
            part.set(data=data[name].T, visible=shown)
        artists[line].set(data=(np.arange(len(data[line])), data[line]), visible=shown)
    artists["start"].set_data(data["path"][:1].T)
    artists["end"].set_data(data["path"][-1:].T)
    artists["last"].set_data([len(data["losses"]) - 1], data["losses"][-1:])
    free, own = artists["names"]
    free.set_text("no clipping" if mode != "none" else "")
    own.set_text(mode if mode != "none" else "no clipping")
    own_end, free_end = artists["ends"]
    own_end.set_text("" if mode == "none" else f"loss {mode}: {_end(data['losses'], data['off'])}")
    unclipped = "loss without clipping" if mode == "none" else "unclipped (black)"
    free_end.set_text(f"{unclipped}: {_end(data['free_losses'], data['free_off'])}")


def _end(losses: np.ndarray, off: bool) -> str:
    return f"{losses[-1]:.2g}{', off the map' if off else ''}"
