"""Choose the forget bias for a wanted memory."""

import math

from course_lib.exercises import Case, exercise, mistake, part
from course_lib.exercises.compare import show_apart
from course_lib.recurrent.exercises.gates.common import logit, share_left


@exercise("recurrent.lstm.forget-gate", "forget_bias_for(steps, keep) -> bias", level="core", minutes=5)
def forget_bias_for(rng):
    """Which bias makes the forget gate keep a given share after so many steps?"""

    def case(steps: int, keep: float, because: str) -> Case:
        def explain(bias: float) -> str:
            gate, (left, wanted) = share_left(bias), show_apart(share_left(bias, steps), keep)
            after = "1 step" if steps == 1 else f"{steps} steps"
            return f"Your bias {bias:.4g} makes a gate of {gate:.4g}; after {after} {left} is left, wanted {wanted}."

        # Only the share matters: near 0 and 1 a small error of the gate is a large one of the bias, and the other way
        # round. A float32 gate is off by 6e-8, and so is each of its factors.
        return Case(
            (steps, keep),
            expected=keep,
            view=lambda bias: share_left(bias, steps),
            form=0.0,
            explain=explain,
            because=because,
            rtol=2e-6 * (steps + 4),
            atol=0.0,
        )

    with part("one step", points=1):
        for keep in (0.5, 0.75, rng.uniform(0.1, 0.4)):
            yield case(1, keep, "the sigmoid of the bias must be the share to keep: what undoes a sigmoid?")
    product = "the gate multiplies once a step, so the share left is a power of it"
    with part("many steps", points=1):
        yield case(2, 0.25, product)
        for steps in (2, 10, 100):
            yield case(steps, rng.uniform(0.05, 0.95), product)
    with part("nearly all, nearly nothing", points=1):
        for steps, keep in ((1000, 0.5), (50, 1 - rng.uniform(1e-3, 5e-3)), (5, rng.uniform(1e-4, 5e-4))):
            yield case(steps, keep, product)


@mistake(
    forget_bias_for,
    "a gate that forgets the share it should keep",
    ask="To keep nearly everything, must the bias be large or small? What does your function give for (1, 0.75)?",
    look="what the gate's value means: it multiplies the old cell, so it is the share kept.",
)
def _(steps, keep):
    return logit(1 - keep ** (1 / steps))


@mistake(
    forget_bias_for,
    "the share divided by the steps",
    ask="What happens to the gate's value at the second step?",
    look="how the gates of several steps combine: a value passes all of them, one after the other.",
)
def _(steps, keep):
    return logit(keep / steps)


@mistake(
    forget_bias_for,
    "the bias for one step, multiplied by the steps",
    ask="To keep a half over 1000 steps, should the bias be 0, as for a single step?",
    look="the order of the two things to undo: the steps come first and give the gate, the sigmoid comes last.",
)
def _(steps, keep):
    return logit(keep) * steps


@mistake(
    forget_bias_for,
    "a bias that is simply keep / steps",
    ask="Which gate does the sigmoid make of your bias, and what is left once it has multiplied so many times?",
    look="what your number is: a bias enters a sigmoid, and a value passes one gate after the other.",
)
def _(steps, keep):
    return keep / steps


@mistake(
    forget_bias_for,
    "a logarithm where the sigmoid has to be undone",
    ask="Which gate does a bias of 0 make? And what does your formula say that it makes?",
    look="the last step: solve f = 1 / (1 + exp(-b)) for b.",
)
def _(steps, keep):
    return math.log(keep) / steps


@mistake(
    forget_bias_for,
    "the gate's value, not the bias that makes it",
    ask="What does the cell do with your number before it multiplies by it?",
    look="the last step: your number goes through a sigmoid before it becomes the gate.",
)
def _(steps, keep):
    return keep ** (1 / steps)


@mistake(
    forget_bias_for,
    "a gate that keeps the share for a single step",
    ask="Your gate keeps the share once. How often does it multiply?",
    look="where steps enters your formula: the gates of all steps together must leave the share.",
)
def _(steps, keep):
    return logit(keep)


@mistake(
    forget_bias_for,
    "the share raised to the power of the steps",
    ask="Should a longer memory need a gate nearer to 1, or nearer to 0? Which way does yours go?",
    look="the exponent: gate ** steps must give the share, so which power of the share gives the gate?",
)
def _(steps, keep):
    return logit(keep**steps)
