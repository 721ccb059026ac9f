"""The mistakes that `distil_loss` is known for."""

from collections.abc import Callable

from torch.nn import functional as F

from course_lib.exercises import mistake
from course_lib.foundations.exercises.cost.efficiency import distilled, efficiency, hard, soft


def distilling(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare any mistake in `distil_loss`."""
    return mistake(efficiency, name, call="distil_loss", ask=ask, look=look)


def in_soft(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake in the teacher's share."""

    def declare(wrong: Callable) -> Callable:
        distilling(name, ask=ask, look=look)(
            lambda student, teacher, y, T, alpha: distilled(student, teacher, y, T, alpha, soft=wrong)
        )
        return wrong

    return declare


@in_soft(
    "a KL divergence with its arguments swapped",
    ask="The teacher says 3/4 and 1/4. Whose probabilities stand in front of the logarithm?",
    look="the order in F.kl_div: first what is to be moved, as a logarithm, then the target.",
)
def _(student, teacher, y, T):
    return soft(teacher, student, y, T)


@in_soft(
    "a missing T²",
    ask="At T = 4 the gradient of the softened loss is about 16 times as small. Who makes up for it?",
    look="the factor in front of the divergence.",
)
def _(student, teacher, y, T):
    return soft(student, teacher, y, T) / T**2


@in_soft(
    "a T in place of T²",
    ask="How does the gradient of the softened loss shrink with T: like 1/T, or faster?",
    look="the factor in front of the divergence.",
)
def _(student, teacher, y, T):
    return soft(student, teacher, y, T) / T


@in_soft(
    "a mean over all numbers, not over the batch",
    ask="By what do you divide the sum of all terms: by pictures, or by pictures times classes?",
    look="reduction in F.kl_div: 'mean' divides by the classes too; 'batchmean' does not.",
)
def _(student, teacher, y, T):
    return soft(student, teacher, y, T) / student.shape[1]


@in_soft(
    "a sum over the batch, not a mean",
    ask="The batch is twice as large. What does your loss do?",
    look="the reduction.",
)
def _(student, teacher, y, T):
    return soft(student, teacher, y, T) * len(student)


@in_soft(
    "a cross-entropy with the teacher, not a divergence",
    ask="Student and teacher say the same. How large is the teacher's share of your loss?",
    look="the teacher's own entropy: the divergence is what lies above it.",
)
def _(student, teacher, y, T):
    return T**2 * F.cross_entropy(student / T, (teacher / T).softmax(dim=1))


@in_soft(
    "probabilities where F.kl_div wants logarithms",
    ask="What does the first argument of F.kl_div hold?",
    look="softmax and log_softmax: the student goes in as logarithms.",
)
def _(student, teacher, y, T):
    p, q = ((logits / T).softmax(dim=1) for logits in (student, teacher))
    return T**2 * F.kl_div(p, q, reduction="batchmean")


@in_soft(
    "a softmax over the batch",
    ask="Over which dimension do the probabilities of one picture add up to 1?",
    look="dim in softmax.",
)
def _(student, teacher, y, T):
    student, teacher = ((logits / T).log_softmax(dim=0) for logits in (student, teacher))
    return T**2 * F.kl_div(student, teacher, reduction="batchmean", log_target=True)


@in_soft(
    "a temperature that multiplies the logits",
    ask="At T = 100, should the probabilities be nearly equal or nearly 0 and 1?",
    look="where T stands: it divides.",
)
def _(student, teacher, y, T):
    return T**4 * soft(student, teacher, y, 1 / T)


@in_soft(
    "a temperature for the teacher alone",
    ask="Student and teacher have the same logits. Do they say the same in your loss?",
    look="T: it divides both.",
)
def _(student, teacher, y, T):
    return soft(student * T, teacher, y, T)


@in_soft(
    "squared differences of logits",
    ask="All logits of the student go up by 1. Does it say anything else than before?",
    look="the teacher's share: it compares probabilities.",
)
def _(student, teacher, y, T):
    return F.mse_loss(student, teacher)


@distilling(
    "shares that are exchanged",
    ask="alpha = 1: whom does the student listen to?",
    look="alpha and 1 - alpha.",
)
def _(student, teacher, y, T, alpha):
    return distilled(student, teacher, y, T, 1 - alpha)


@distilling(
    "both terms in full, whatever alpha is",
    ask="alpha = 1: what do the labels add to your loss?",
    look="alpha: the shares add up to 1.",
)
def _(student, teacher, y, T, alpha):
    return soft(student, teacher, y, T) + hard(student, teacher, y, T)


@distilling(
    "labels that are compared at temperature T",
    ask="At alpha = 0 this is training as usual. Does T matter there?",
    look="the cross-entropy with y: the student's own logits.",
)
def _(student, teacher, y, T, alpha):
    return distilled(student, teacher, y, T, alpha, hard=lambda s, t, y, T: F.cross_entropy(s / T, y))


@distilling(
    "a loss of the labels in which the teacher is judged",
    ask="At alpha = 0, whose mistakes does your loss count?",
    look="the cross-entropy with y: whose logits go in?",
)
def _(student, teacher, y, T, alpha):
    return distilled(student, teacher, y, T, alpha, hard=lambda s, t, y, T: F.cross_entropy(t, y) + 0 * s.sum())
