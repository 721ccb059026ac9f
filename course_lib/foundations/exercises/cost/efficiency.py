"""Three ways to a smaller model: fewer bits, fewer weights, a smaller network with a teacher (Hinton et al. 2015)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.exercises import Case, exercise, part, randn

LOSS, SLOPE = "loss", "gradient by the student's logits"


def quantised(
    w: Tensor,
    bits: int,
    *,
    levels: Callable[[int], int] = lambda bits: 2 ** (bits - 1) - 1,
    size: Callable[[Tensor], Tensor] = lambda w: w.abs().max(),
    whole: Callable[[Tensor], Tensor] = torch.round,
) -> Tensor:
    """A right answer, for the mistakes to change one thing in."""
    step = size(w) / levels(bits)
    return torch.where(step > 0, whole(w / step) * step, 0.0)


def pruned(w: Tensor, fraction: float, *, order: Callable[[Tensor], Tensor] = torch.abs, whole=round) -> Tensor:
    """A right answer, for the mistakes to change one thing in."""
    left = w.flatten().clone()
    left[order(left).argsort(stable=True)[: whole(fraction * w.numel())]] = 0
    return left.reshape(w.shape)


def kept(answer: Callable, w: Tensor, fraction: float) -> dict | None:
    """How many of an answer's numbers are 0, and how many are neither 0 nor what they were.

    Raises:
        ValueError: they have another shape than w.
    """
    made = answer(w.clone(), fraction)
    if made is None:
        return None
    made = torch.as_tensor(made)
    if made.shape != w.shape:
        raise ValueError(f"w has shape {tuple(w.shape)}, and what prune returns has {tuple(made.shape)}")
    changed = (made != 0) & (made != w)
    return {"number of zeros": int((made == 0).sum()), "numbers that are changed and not 0": int(changed.sum())}


def soft(student: Tensor, teacher: Tensor, y: Tensor, T: float) -> Tensor:
    """T² KL(teacher's softened probabilities, the student's), the mean over the batch."""
    student, teacher = (logits.div(T).log_softmax(dim=1) for logits in (student, teacher))
    return T**2 * F.kl_div(student, teacher, reduction="batchmean", log_target=True)


def hard(student: Tensor, teacher: Tensor, y: Tensor, T: float) -> Tensor:
    """The cross-entropy of the student with the labels."""
    return F.cross_entropy(student, y)


def distilled(student: Tensor, teacher: Tensor, y: Tensor, T: float, alpha: float, *, soft=soft, hard=hard) -> Tensor:
    """A right answer, for the mistakes to change one thing in."""
    return alpha * soft(student, teacher, y, T) + (1 - alpha) * hard(student, teacher, y, T)


def followed(answer: Callable, student: Tensor, teacher: Tensor, *rest) -> dict | None:
    """The loss, and the gradient by the student's logits that autograd finds.

    Raises:
        TypeError: autograd finds no way from the loss back to the student.
        ValueError: the loss is more than one number.
    """
    with torch.enable_grad():  # a notebook may have switched gradients off
        student = student.clone().requires_grad_()
        loss = answer(student, teacher, *rest)
        if loss is None:
            return None
        if not (isinstance(loss, Tensor) and loss.requires_grad):
            raise TypeError("autograd cannot follow the loss back to the student: make it by PyTorch alone")
        if loss.numel() != 1:
            raise ValueError(f"a loss is one number, and this one has shape {tuple(loss.shape)}")
        (slope,) = torch.autograd.grad(loss.sum(), student, materialize_grads=True)
    return {LOSS: loss.item(), SLOPE: slope}


@exercise(
    "foundations.challenges.efficiency",
    "quantise(w, bits) -> w",
    "prune(w, fraction) -> w",
    "distil_loss(student, teacher, y, T, alpha) -> loss",
    level="core",
    minutes=12,
    keeps_inputs=True,
)
def efficiency(rng):
    """Fewer bits a weight, fewer weights, and a small network that learns from a large one."""

    def near_levels(bits: int, *shape: int) -> Tensor:
        """Numbers off the grid, but none in the middle of two levels; the largest in size is negative: (shape)."""
        most = 2 ** (bits - 1) - 1
        codes = rng.normal(scale=most / 2, size=shape).round() + rng.uniform(-0.45, 0.45, size=shape)
        codes = codes.clip(-most, most - 0.3)
        codes.flat[rng.integers(codes.size)] = -most
        return torch.from_numpy(codes * rng.uniform(1, 2) / most).float()

    def fewer_bits(w: Tensor, bits: int, because: str, shown: str | None = None) -> Case:
        expected = quantised(w, bits)
        step = (w.abs().max() / (2 ** (bits - 1) - 1)).item()

        def explain(made: Tensor) -> str:
            made = torch.as_tensor(made).double()
            levels, wanted, error = len(made.unique()), len(expected.unique()), (made - w).abs().max().item()
            if error > step / 2 + 1e-5:
                return f"One of your numbers is off by {error:.4g}; half a step is {step / 2:.4g}."
            off = ((made - expected).abs() > 1e-5).sum()
            return f"{off} of your {w.numel()} numbers are not on the grid; you have {levels} levels, wanted {wanted}."

        few = w.numel() <= 8
        explain = None if few else explain
        return Case((w, bits), call="quantise", expected=expected, because=because, shown=shown, explain=explain)

    def fewer_weights(w: Tensor, fraction: float, because: str, via: Callable | None = None) -> Case:
        expected = via(pruned, w, fraction) if via else pruned(w, fraction)
        return Case((w, fraction), call="prune", via=via, expected=expected, because=because)

    def taught(student: Tensor, teacher: Tensor, y: list[int], T: float, alpha: float, because: str) -> Case:
        inputs = (student, teacher, torch.tensor(y), T, alpha)
        expected = followed(distilled, *inputs)
        shown = f"logits of shape {tuple(student.shape)}, T={T:g}, alpha={alpha:g}"
        if student.numel() < 5:
            shown = f"student {student.tolist()}, teacher {teacher.tolist()}, y={y}, T={T:g}, alpha={alpha:g}"
        if torch.equal(student, teacher):
            shown += ", student and teacher agree"
        return Case(
            inputs, call="distil_loss", via=followed, expected=expected, shown=shown, because=because, rtol=1e-4
        )

    with part("fewer bits", points=1):
        grid = "whole multiples of one step, as many below 0 as above, and the largest in size is on the grid"
        for numbers, bits in (([0.3, -0.2, 0.9], 3), ([0.5, -2.1, 1.3, 0.1], 2), ([1.0, -7.0, 3.4, 0.2], 4)):
            yield fewer_bits(torch.tensor(numbers), bits, grid)
        for shape, bits in (((40,), 3), ((12, 10), 4), ((3, 4, 5, 5), 8), ((30, 20), 2)):
            yield fewer_bits(near_levels(bits, *shape), bits, grid)
    with part("a zero stays a zero", points=1):
        for numbers, bits in (([0.0, 0.4, 1.0], 2), ([0.0, -3.0, 0.0, 1.0, 2.0], 3)):
            yield fewer_bits(torch.tensor(numbers), bits, "what was pruned must not come back: 0 is on the grid")
        yield fewer_bits(1.5 + 0.1 * randn(rng, 5, 6), 4, "0 is on the grid, wherever the weights are", "w around 1.5")
        for shape in ((3,), (2, 2)):
            yield fewer_bits(torch.zeros(shape), 4, "with nothing but zeros the step is 0; what is 0 / 0?")
    with part("the smallest go", points=1):
        smallest = "the numbers nearest to 0 go, from either side; the others stay as they are"
        for numbers, fraction in (([0.1, -3.0, 2.0, -0.2], 0.5), ([-1.0, 0.5, 4.0, -0.3, 2.0], 0.4)):
            yield fewer_weights(torch.tensor(numbers), fraction, smallest)
        for shape, fraction in (((20,), 0.3), ((10, 10), 0.75), ((4, 2, 3, 3), 0.5)):
            yield fewer_weights(randn(rng, *shape), fraction, smallest)
    with part("as many as asked for", points=1):
        exactly = "round(fraction * n) numbers go, no more and no fewer"
        for shape, fraction in (((10, 10), 0.29), ((10,), 0.28), ((4, 3), 0.0), ((3, 5), 1.0)):
            yield fewer_weights(randn(rng, *shape), fraction, exactly)
        holes = torch.cat([randn(rng, 14), torch.zeros(6)])[torch.from_numpy(rng.permutation(20))]
        yield fewer_weights(holes, 0.5, "those that are 0 already are the smallest")
        for size, fraction in ((6, 0.5), (40, 0.2)):
            w = torch.from_numpy(rng.choice([-0.5, 0.5], size=size)).float()
            yield fewer_weights(w, fraction, "all are equal in size: any of them will do, but so many", kept)
    with part("the teacher's share", points=1):
        far = "the student is to say what the teacher says, at the same T; where both agree, nothing is left to learn"
        half, sure = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0986123, 0.0]])  # 1/2 and 1/2; 3/4 and 1/4
        yield taught(half, sure, [0], 1.0, 1.0, far)
        yield taught(half, 2 * sure, [1], 2.0, 1.0, far)
        for shape, T in (((4, 3), 2.0), ((6, 5), 4.0), ((3, 10), 1.0)):
            student = randn(rng, *shape)
            y = [n % shape[1] for n in range(shape[0])]
            yield taught(student, 2 * randn(rng, *shape), y, T, 1.0, far)
            yield taught(student, student.clone(), y, T, 1.0, far)
    with part("and the label's", points=1):
        blend = "a share alpha for the teacher, the rest for the labels, at temperature 1"
        yield taught(half, sure, [1], 1.0, 0.0, blend)
        for shape, T, alpha in (((5, 4), 3.0, 0.7), ((8, 3), 2.0, 0.25), ((4, 6), 5.0, 0.0)):
            y = [n % shape[1] for n in range(shape[0])]
            yield taught(randn(rng, *shape), 2 * randn(rng, *shape), y, T, alpha, blend)
