"""What one move of a control costs in every explorer, at each state that it opens at, at double density.

Every control is moved to values that were not seen before; the slowest is then measured beside its peer: the same view
as `ipywidgets.interact` redraws it, with a new figure and a full `savefig`.

    python benchmarks/explorers.py [NAME ...] [--moves 21]     for example: GateExplorer
"""

import argparse
import os
from io import BytesIO
from statistics import median
from time import perf_counter, process_time

from moves import mover, openings
from timing import load, report, set_apart, table, timed

from course_lib.device import use_threads
from course_lib.explorers import Explorer, base
from course_lib.explorers.rooms import every_explorer
from course_lib.figures.style import new_figure, style

PHASES = ("compute", "update", "draw", "to_png")
spent: dict[str, list[float]] = {}  # phase -> the seconds of each of its calls
last: dict[str, object] = {}  # phase -> what its last call returned


def watch(owner: object, phase: str) -> None:
    """Note the seconds and the result of each call."""
    inner = getattr(owner, phase)

    def noted(*args, **kwargs):
        began = perf_counter()
        last[phase] = inner(*args, **kwargs)
        spent.setdefault(phase, []).append(perf_counter() - began)
        return last[phase]

    setattr(owner, phase, noted)


def interact(explorer: Explorer) -> None:
    """The same view as `interact` draws it: compute, make a new figure, save all of it."""
    data = explorer.compute(**explorer.state())
    figure = new_figure(*explorer.size)
    with style():
        artists = explorer.build(figure)
    explorer.update(artists, data)
    figure.savefig(BytesIO(), format="png", dpi=figure.dpi)


def measure(name: str, explorer: Explorer, moves: int) -> tuple[list[str], float, float]:
    """A row of the table, the milliseconds of a move, and the kilobytes of the largest picture."""
    assert explorer.view is not None  # what a move shows goes to live widgets, as in a notebook
    for owner, phase in ((explorer, "compute"), (explorer, "update"), (explorer.canvas, "draw")):
        watch(owner, phase)
    moved, ours, theirs, worked, payloads = mover(explorer), [], [], [], []

    def move(control: str) -> float:
        state = moved(control)
        seconds = timed(lambda: explorer.set(**state))
        assert not explorer.notice, explorer.notice
        payloads.append(len(last["to_png"]) / 1e3)
        return seconds

    by_control = {control: median(move(control) for _ in range(9)) for control in explorer.controls}
    slowest = max(by_control, key=by_control.get)
    spent.clear()
    for _ in range(moves):
        peer = type(explorer)(**moved(slowest), learner=explorer.learner, with_quests=False)
        began = process_time()
        ours.append(move(slowest))
        worked.append(process_time() - began)
        theirs.append(timed(lambda peer=peer: interact(peer)))
    rest = [whole - sum(parts) for whole, *parts in zip(ours, *(spent[phase] for phase in PHASES), strict=True)]
    compute, update, draw, png, rest, whole, cpu, peer = (
        1e3 * median(times) for times in (*(spent[phase] for phase in PHASES), rest, ours, worked, theirs)
    )
    times = (f"{ms:.1f}" for ms in (compute, update, draw, png, rest, whole, cpu, peer))
    shares = f"{peer / whole:.1f}", f"{compute / whole:.0%}", f"{max(payloads):.0f}"
    return [name, slowest, *times, *shares], whole, max(payloads)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME", help="explorers to measure, by class; all if none")
    options.add_argument("--moves", type=int, default=21, help="moves of the slowest control, and of its peer")
    options = options.parse_args()
    os.environ["COURSE_STRICT"] = "1"  # an explorer that fails is not a fast one
    use_threads()
    watch(base, "to_png")
    print(f"Milliseconds, medians of {options.moves} moves of the slowest control; {load()}")
    print("CPU: the processor's own time for a move, whoever else is at work; recording: compute's share of a move\n")
    header = "explorer", "control", "compute", "update", "draw", "PNG", "rest", "move", "CPU", "interact", "ratio"
    rows, slow, large = [], {}, {}
    there = {kind.__name__: kind for kind in every_explorer()}
    if unknown := set(options.names) - there.keys():
        raise SystemExit(f"There is no explorer {min(unknown)!r}. There are: {', '.join(there)}.")
    kinds = [there[name] for name in options.names or there]
    for kind in kinds:
        for name, explorer in openings(kind):
            row, slow[name], large[name] = measure(name, explorer, options.moves)
            rows.append(row)
    table([*header, "recording", "kB"], rows)
    for (name, ms), row in zip(slow.items(), rows, strict=True):
        note = f"{row[-5]} of CPU; `interact` takes {row[-3]} × as long"
        report(f"a move in {name}", ms, "ms", target=70, aim=40, note=note)
    report("the largest picture of all", max(large.values()), "kB", target=150, note=max(large, key=large.get))


if __name__ == "__main__":
    with set_apart():
        main()
