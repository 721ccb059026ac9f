"""Section 1.4: operations on this processor against its measured roofs; when does it pay to send them to a card?"""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import torch

from course_lib.explorers import Choice, Explorer, Place, Prediction, Quest
from course_lib.figures.roofline import HEIGHT, WIDTH, build_roofline, update_roofline, with_prefix
from course_lib.tensors.roofline import (
    ADD,
    CHAIN,
    DOT,
    H200,
    OPERATIONS,
    PRODUCT,
    Limits,
    Operation,
    Point,
    attainable,
    measure_bandwidth,
    measure_sizes,
    memory_of,
    with_cache,
)

NUMBERS = tuple(2**k for k in range(4, 25, 2))  # of the largest tensor
MOST = 2**22  # of them, where something is measured; beyond, times grow as the roofs say
TYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
SENT, THERE = "sent there and fetched", "on the card already"
BANDWIDTHS = (5e10, 1e11, 2e11, 4e11, 8e11, 1.6e12, 3.2e12, 4.8e12, 8e12)  # of the card's memory, bytes a second
PEAKS = (5e11, 1e12, 2e12, 5e12, 1e13, 2e13, 4e13, 6.7e13, 1e14, 1e15)  # FLOP/s
BUSES = (1e9, 2e9, 4e9, 8e9, 1.6e10, 3.2e10, 6.4e10, 1.28e11, 4.5e11)  # bytes a second, one way
SHARES = ("more than half of it", "a tenth to a half", "less than a tenth")


class Measured(NamedTuple):
    """This processor, measured.

    Attributes:
        limits: in float32.
        points: name of a type -> name of an operation -> one point a size; an operation that does not run is missing.
    """

    limits: Limits
    points: dict[str, dict[str, list[Point]]]

    def peak(self, dtype: str) -> float:
        """The most FLOP/s that any operation reached in this type."""
        return max(point.rate for points in self.points[dtype].values() for point in points)


@cache
def measured() -> Measured:
    """Measure this processor, once: about a second."""
    points: dict[str, dict[str, list[Point]]] = {}
    for name, dtype in TYPES.items():
        memory, points[name] = memory_of(MOST, dtype), {}
        for operation in OPERATIONS:
            sizes = [operation.size(numbers) for numbers in NUMBERS if numbers <= MOST]
            try:
                points[name][operation.name] = measure_sizes(operation, sizes, memory)
            except RuntimeError:  # not in this type, on this processor
                continue
    found = points["float32"]
    peak = max(point.rate for point in found[PRODUCT.name])
    limits = Limits("this processor", measure_bandwidth(), peak, call=found[ADD.name][0].seconds)
    return Measured(with_cache(limits, [*found[ADD.name], *found[CHAIN.name], *found[DOT.name]]), points)


class RooflineExplorer(Explorer):
    """What can this processor do at most, and from which size on does it pay to send an operation to a card?"""

    id = "tensors.devices.roofline"
    size = (WIDTH, HEIGHT)
    controls = {
        "operation": Choice(options=tuple(operation.name for operation in OPERATIONS), start=PRODUCT.name),
        "size": Place(start=NUMBERS.index(2**12), tries=(0, 3, 6, 10)),
        "dtype": Choice(options=tuple(TYPES), start="float32", label="element type"),
        "data": Choice(options=(SENT, THERE), start=SENT, label="the numbers are"),
        "bandwidth": Place(start=BANDWIDTHS.index(H200.bandwidth), label="card: memory", tries=(0, 4, 8)),
        "peak": Place(start=PEAKS.index(H200.peak), label="card: arithmetic", tries=(0, 4, 9)),
        "bus": Place(start=BUSES.index(H200.bus), label="card: bus", tries=(0, 4, 8)),
    }
    quests = (
        Quest("tenfold", "find an operation that the card does ten times faster, although all is sent and fetched",
              lambda data: data["data"] == SENT and data["seconds"]["here"] > 10 * data["seconds"]["card"]),
        Quest("bus", "make the card lose at every size, with its memory and its arithmetic at their fastest",
              lambda data: data["pays"] is None and data["limits"]["card"]["bandwidth"] == BANDWIDTHS[-1]
              and data["limits"]["card"]["peak"] == PEAKS[-1]),
        Quest("turn", "with the numbers on the card already, set the smallest size at which adding pays there",
              lambda data: data["operation"] == ADD.name and data["data"] == THERE and data["pays"] == data["at"]),
    )  # fmt: skip
    presets = (
        {},
        {"operation": ADD.name, "size": NUMBERS.index(2**22)},
        {"operation": PRODUCT.name, "size": len(NUMBERS) - 1},
        {"operation": CHAIN.name, "data": THERE, "size": 6},
        {"operation": DOT.name, "dtype": "bfloat16", "bus": 0},
    )
    sweep_from = {"size": 6}

    def places(self, operation, **_):
        chosen = _operation(operation)
        return {
            "size": [_size_name(chosen, numbers) for numbers in NUMBERS],
            "bandwidth": [with_prefix(value, "B/s") for value in BANDWIDTHS],
            "peak": [with_prefix(value, "FLOP/s") for value in PEAKS],
            "bus": [with_prefix(value, "B/s") for value in BUSES],
        }

    def compute(self, operation, size, dtype, data, bandwidth, peak, bus):
        found, chosen = measured(), _operation(operation)
        if operation not in found.points[dtype]:
            raise ValueError(f"This processor has no {operation} in {dtype}. Choose another type.")
        points = found.points[dtype][operation]
        here = replace(found.limits, peak=found.peak(dtype))
        card = Limits("the card", BANDWIDTHS[bandwidth], PEAKS[peak], H200.call, BUSES[bus])
        works = [chosen.work(chosen.size(numbers), TYPES[dtype]) for numbers in NUMBERS]
        last = points[-1]
        grown = last.seconds / here.seconds(last.work)
        times = {
            "here": np.array([*(point.seconds for point in points),
                              *(grown * here.seconds(work) for work in works[len(points):])]),
            "card": np.array([card.seconds(work, sent=data == SENT) for work in works]),
        }  # fmt: skip
        work, seconds = works[size], {name: float(of[size]) for name, of in times.items()}
        parts = {"here": here.parts(work), "card": card.parts(work, sent=data == SENT)}
        slower = np.flatnonzero(times["card"] >= times["here"])
        pays = int(slower[-1]) + 1 if len(slower) else 0
        pays = pays if pays < len(NUMBERS) else None
        return {
            "hidden": self.asking,
            "operation": operation,
            "dtype": dtype,
            "data": data,
            "limits": {name: {"bandwidth": of.bandwidth, "peak": of.peak} for name, of in
                       (("here", here), ("card", card))},
            "cache": here.cache,
            "others": _spots([point for name, of in found.points[dtype].items() if name != operation for point in of]),
            "points": _spots(points),
            "intensity": work.intensity,
            "flops": work.flops,
            "moved": work.moved,
            "rates": {name: work.flops / taken for name, taken in seconds.items()},
            "share": work.flops / seconds["here"] / here.peak,
            "numbers": np.array(NUMBERS),
            "ticks": [(numbers, f"{chosen.size(numbers):,}") for numbers in NUMBERS[::3]],
            "axis": "n, of matrices of n × n" if chosen.square else "numbers in each vector",
            "at": size,
            "times": times,
            "measured": len(points),
            "seconds": seconds,
            "pays": pays,
            "pays_from": "" if pays is None else _size_name(chosen, NUMBERS[pays]),
            "parts": {name: of | {"in all": seconds[name]} for name, of in parts.items()},
        }  # fmt: skip

    def build(self, figure):
        return build_roofline(figure)

    def update(self, artists, data):
        update_roofline(artists, data)

    def describe(self, data):
        if data["hidden"]:
            return "The roofs of this processor, measured, and of a modelled card; the measured points come after."
        seconds, limits = data["seconds"], data["limits"]["here"]
        parts = {name: {part: of for part, of in parts.items() if part != "in all"}
                 for name, parts in data["parts"].items()}  # fmt: skip
        most = {name: max(of, key=of.get) for name, of in parts.items()}
        pays = "never pays" if data["pays"] is None else f"pays from {data['pays_from']} on"
        takes = "takes" if data["at"] < data["measured"] else "would take"
        return (
            f"{data['operation'].capitalize()}, {_size_name(_operation(data['operation']), NUMBERS[data['at']])}, "
            f"{data['dtype']}: {data['intensity']:.3g} FLOPs a byte, from memory at most "
            f"{with_prefix(attainable(data['intensity'], **limits), 'FLOP/s')} here. It {takes} "
            f"{with_prefix(seconds['here'], 's')} here ({with_prefix(data['rates']['here'], 'FLOP/s')}, mostly "
            f"{most['here']}) and {with_prefix(seconds['card'], 's')} on the card, mostly {most['card']}. "
            f"The card {pays}."
        )


def share_prediction() -> Prediction:
    """How much of its arithmetic does a processor use to add two long vectors?"""
    return Prediction(
        question="This processor adds two vectors of 4 million numbers. How much of the arithmetic that it can do a "
        "second does it use while it does so?",
        options=SHARES,
        then={"operation": ADD.name, "size": NUMBERS.index(2**22)},
        result=lambda data: SHARES[0] if data["share"] > 0.5 else SHARES[1] if data["share"] > 0.1 else SHARES[2],
    )


def _operation(name: str) -> Operation:
    return next(operation for operation in OPERATIONS if operation.name == name)


def _size_name(operation: Operation, numbers: int) -> str:
    """A size as people say it: "64 × 64" or "4,096"."""
    n = operation.size(numbers)
    return f"{n} × {n}" if operation.square else f"{n:,}"


def _spots(points: list[Point]) -> np.ndarray:
    """Where points stand in a roofline: (points, 2), FLOPs a byte and FLOP/s."""
    return np.array([(point.work.intensity, point.rate) for point in points]).reshape(-1, 2)
