"""What a device can do at most, and what an operation gets of it: the roofline model, with measured roofs.

An operation does arithmetic on numbers that have to come from memory. Its arithmetic intensity is the FLOPs (floating
point operations) that it does for each byte moved; what it can reach is the lower of two roofs: what memory can feed
it, and what the arithmetic units can do. Below both roofs lies what every call costs, however small its work.

Source: Williams, Waterman and Patterson, Roofline: an insightful visual performance model for multicore architectures,
Communications of the ACM 52 (4), 2009. Bytes are counted as the STREAM benchmark does (McCalpin 1995): each number read
once and written once, whatever else the processor fetches.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

STEPS = 8  # elementwise operations in a chain
STREAMED = 2**24  # numbers in each vector from which the memory's bandwidth is measured: more than caches hold
LEAST, RUNS = 3e-4, 2  # a run repeats a call for so many seconds or more; the fastest run counts
ROOF_RUNS = 6  # of what all else is held against
PATIENCE = 0.02  # seconds: no call that would take longer is measured


def attainable(intensity, bandwidth: float, peak: float):
    """The FLOP/s that an operation can reach at most.

    Args:
        intensity: its FLOPs a byte, a number or an array.
        bandwidth: of the memory, bytes a second.
        peak: of the arithmetic, FLOP/s.
    """
    return np.minimum(peak, intensity * bandwidth)


# ---- what an operation has to do


@dataclass(frozen=True)
class Work:
    """What an operation on tensors of one size has to do.

    Attributes:
        flops: floating-point operations.
        moved: bytes that pass between memory and arithmetic.
        held: bytes of its inputs and its result, each once: what another device has to be sent and to send back.
        calls: of PyTorch's functions.
    """

    flops: int
    moved: int
    held: int
    calls: int = 1

    @property
    def intensity(self) -> float:
        """FLOPs a byte moved."""
        return self.flops / self.moved


@dataclass(frozen=True)
class Operation:
    """An operation on tensors of growing size.

    Attributes:
        name: for people.
        square: its size n is the side of matrices, not the length of vectors.
        flops: as a function of n.
        numbers: that it takes and gives, as a function of n.
        prepare: takes n and the memory to work in, (3, numbers), and gives a call without arguments.
        calls: of PyTorch's functions, each of which moves all its numbers through memory.
    """

    name: str
    square: bool
    flops: Callable[[int], int]
    numbers: Callable[[int], int]
    prepare: Callable[[int, Tensor], Callable[[], object]]
    calls: int = 1

    def size(self, numbers: int) -> int:
        """The n whose largest tensor has at most so many numbers."""
        return int(sqrt(numbers)) if self.square else numbers

    def work(self, n: int, dtype: torch.dtype = torch.float32) -> Work:
        """What it has to do at size n, in numbers of this type."""
        held = self.numbers(n) * dtype.itemsize
        return Work(self.flops(n), self.calls * held, held, self.calls)


def _add(n: int, memory: Tensor):
    a, b, out = memory[:, :n]
    return lambda: torch.add(a, b, out=out)


def _chain(n: int, memory: Tensor):
    a, b, x = memory[:, :n]

    def run():
        torch.mul(a, a, out=x)
        x.add_(b)
        for _ in range(STEPS // 2 - 1):
            x.mul_(a).add_(b)

    return run


def _dot(n: int, memory: Tensor):
    a, b, _ = memory[:, :n]
    return lambda: torch.dot(a, b)


def _matrix_vector(n: int, memory: Tensor):
    matrix, x, out = memory[0, : n * n].view(n, n), memory[1, :n], memory[2, :n]
    return lambda: torch.mv(matrix, x, out=out)


def _matrix_product(n: int, memory: Tensor):
    a, b, out = memory[:, : n * n].view(3, n, n)
    return lambda: torch.mm(a, b, out=out)


ADD = Operation("elementwise add", False, lambda n: n, lambda n: 3 * n, _add)
CHAIN = Operation(f"{STEPS} elementwise in a row", False, lambda n: STEPS * n, lambda n: 3 * n, _chain, calls=STEPS)
DOT = Operation("dot product", False, lambda n: 2 * n, lambda n: 2 * n + 1, _dot)
MATRIX_VECTOR = Operation("matrix · vector", True, lambda n: 2 * n**2, lambda n: n**2 + 2 * n, _matrix_vector)
PRODUCT = Operation("matrix · matrix", True, lambda n: 2 * n**3, lambda n: 3 * n**2, _matrix_product)
OPERATIONS = (ADD, CHAIN, DOT, MATRIX_VECTOR, PRODUCT)


# ---- what a device can do


@dataclass(frozen=True)
class Limits:
    """What a device can do at most.

    Attributes:
        name: for people.
        bandwidth: of its memory, bytes a second.
        peak: of its arithmetic, FLOP/s.
        call: seconds that a call takes before its work begins.
        bus: bytes a second between the processor's memory and its own, one way; `inf` for the processor itself.
        cache: bytes a second where all that an operation holds fits in its caches; 0 if that is not known.
        fits: bytes that do.
    """

    name: str
    bandwidth: float
    peak: float
    call: float = 0.0
    bus: float = inf
    cache: float = 0.0
    fits: float = 0.0

    def parts(self, work: Work, sent: bool = False) -> dict[str, float]:
        """Seconds for the calls, for moving the numbers through memory, for the arithmetic and for the bus.

        Args:
            work: what is to be done.
            sent: its inputs are sent here from the processor's memory and its result is fetched, with a call each.
        """
        bandwidth = self.cache if work.held <= self.fits else self.bandwidth
        return {
            "calls": (work.calls + 2 * sent) * self.call,
            "memory": work.moved / bandwidth,
            "arithmetic": work.flops / self.peak,
            "transfer": sent * work.held / self.bus,
        }

    def seconds(self, work: Work, sent: bool = False) -> float:
        """How long it takes, with `sent` as in `parts`: memory and arithmetic go on at the same time."""
        calls, memory, arithmetic, transfer = self.parts(work, sent).values()
        return transfer + calls + max(memory, arithmetic)


# The data sheet of the NVIDIA H200 (SXM): 4.8 TB/s, 67 TFLOP/s in float32 without the reduced precision of TF32, PCIe 5
# with 128 GB/s, both ways together. What a call costs is on no data sheet: some microseconds, here taken as ten.
H200 = Limits("NVIDIA H200, by its data sheet", bandwidth=4.8e12, peak=67e12, call=1e-5, bus=64e9)


# ---- measured


@dataclass(frozen=True)
class Point:
    """An operation measured at one size.

    Attributes:
        size: the n of its operation.
        work: what it has to do.
        seconds: what it took.
    """

    size: int
    work: Work
    seconds: float

    @property
    def rate(self) -> float:
        """FLOP/s."""
        return self.work.flops / self.seconds

    @property
    def bandwidth(self) -> float:
        """Bytes a second that it moved."""
        return self.work.moved / self.seconds


def synchronise(device: torch.device) -> None:
    """Wait until a device has done what it was asked to: graphics cards work while Python goes on."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def seconds_of(call: Callable[[], object], device: torch.device, runs: int = RUNS) -> float:
    """Seconds that a call takes: the fastest of some runs, since all that disturbs a run makes it longer.

    A run repeats the call until the clock can be trusted, and waits for the device once, at its end.
    """

    def run(calls: int) -> float:
        synchronise(device)
        began = perf_counter()
        for _ in range(calls):
            call()
        synchronise(device)
        return (perf_counter() - began) / calls

    call()  # the first one sets things up
    once = run(1)
    calls = max(1, int(LEAST / max(once, 1e-7)))
    return min(once, *(run(calls) for _ in range(runs)))


def memory_of(numbers: int, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> Tensor:
    """Room for three tensors of up to so many numbers, filled with numbers from 0 to 1: (3, numbers)."""
    generator = torch.Generator().manual_seed(0)  # of its own: what a page draws does not depend on what it measures
    some = torch.rand(3, min(numbers, 2**16), generator=generator)  # random numbers take longer to draw than to copy
    some = some.to(device, dtype)
    return some.repeat(1, -(-numbers // some.shape[1]))[:, :numbers]


def measure(operation: Operation, n: int, memory: Tensor, runs: int = RUNS) -> Point:
    """Measure an operation at one size.

    Args:
        operation: one of OPERATIONS.
        n: the length of its vectors, or the side of its matrices.
        memory: to work in, (3, numbers): it says on which device, and in numbers of which type.
        runs: of which the fastest counts.

    Raises:
        RuntimeError: the device does not do this in numbers of this type.
    """
    return Point(n, operation.work(n, memory.dtype), seconds_of(operation.prepare(n, memory), memory.device, runs))


def measure_sizes(operation: Operation, sizes: Iterable[int], memory: Tensor) -> list[Point]:
    """Measure an operation at growing sizes, up to the first of which a call would take longer than PATIENCE."""
    points: list[Point] = []
    for n in sizes:
        work = operation.work(n, memory.dtype)
        if points and points[-1].seconds * work.flops / points[-1].work.flops > PATIENCE:
            break
        points.append(measure(operation, n, memory))
    return points


def measure_bandwidth(device: torch.device | str = "cpu", numbers: int = STREAMED) -> float:
    """Bytes a second between the device's memory and its arithmetic: the best of three ways to go through it."""
    device = torch.device(device)
    a, b = torch.ones(2, numbers, device=device)
    ways = ((2, lambda: torch.dot(a, b)), (2, lambda: b.copy_(a)), (3, lambda: b.add_(a)))
    return max(touched * a.nbytes / seconds_of(way, device, ROOF_RUNS) for touched, way in ways)


def measure_peak(device: torch.device | str = "cpu", side: int | None = None, dtype=torch.float32) -> float:
    """FLOP/s of a large matrix product, which needs each number many times once it is there.

    Args:
        device: that it runs on.
        side: of the matrices; 1024, or 4096 on a graphics card.
        dtype: of their numbers.
    """
    device = torch.device(device)
    side = side or (1024 if device.type == "cpu" else 4096)
    return measure(PRODUCT, side, memory_of(side * side, dtype, device), ROOF_RUNS).rate


def measure_bus(device: torch.device | str, numbers: int = STREAMED) -> float:
    """Bytes a second from the processor's memory to that of a device."""
    device = torch.device(device)
    here, there = torch.ones(numbers), torch.empty(numbers, device=device)
    return here.nbytes / seconds_of(lambda: there.copy_(here), device)


def measure_limits(device: torch.device | str = "cpu", name: str = "") -> Limits:
    """Measure a device: its memory, its arithmetic in float32, what a call costs and, of a graphics card, the bus."""
    device = torch.device(device)
    call = measure(ADD, 1, memory_of(1, device=device)).seconds
    bus = inf if device.type == "cpu" else measure_bus(device)
    return Limits(name or str(device), measure_bandwidth(device), measure_peak(device), call, bus)


def with_cache(limits: Limits, points: Sequence[Point]) -> Limits:
    """The same limits, with the cache that measurements show, if they show one: a bandwidth of 1.5 times the memory's.

    What an operation holds fits in the cache up to the most bytes with which any moved more than the geometric mean of
    the best bandwidth and the memory's.

    Args:
        limits: of the device, without a cache.
        points: operations that memory bounds, at growing sizes.
    """
    best = max(point.bandwidth for point in points)
    fast = [point.work.held for point in points if point.bandwidth > sqrt(best * limits.bandwidth)]
    return replace(limits, cache=best, fits=max(fast)) if best > 1.5 * limits.bandwidth else limits
