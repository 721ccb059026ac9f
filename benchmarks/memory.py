"""By how much the process grows while a learner moves every control of an explorer, after a warm-up.

    python benchmarks/memory.py [--moves 500]
"""

import argparse
import gc
import os

import psutil
from moves import mover, openings
from timing import report, set_apart

from course_lib.device import use_threads
from course_lib.explorers import Explorer
from course_lib.explorers.rooms import every_explorer

WARM_UP = 100  # moves until caches of bounded size are full


def resident() -> float:
    """Megabytes of the process that lie in memory."""
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


def growth(explorer: Explorer, moves: int) -> float:
    """Megabytes by which the process grows over so many moves, of one control after the other."""
    assert explorer.view is not None  # what a move shows goes to live widgets, as in a notebook
    moved, controls = mover(explorer), list(explorer.controls)
    for number in range(-WARM_UP, moves):
        if number == 0:
            before = resident()
        explorer.set(**moved(controls[number % len(controls)]))
    return resident() - before


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--moves", type=int, default=500)
    options = options.parse_args()
    os.environ["COURSE_STRICT"] = "1"  # an explorer that fails does not count
    use_threads()
    for kind in every_explorer():
        name, explorer = list(openings(kind))[-1]  # the one with the most to do
        report(f"{name} grows by", growth(explorer, options.moves), "MB", target=5, aim=1,
               note=f"over {options.moves} moves")  # fmt: skip


if __name__ == "__main__":
    with set_apart():
        main()
