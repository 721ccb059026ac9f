"""The mistakes that `Residual` is known for: in how the two ways meet, in the projection, and in being a module."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.exercises import mistake
from course_lib.foundations.exercises.deep.residual import Shortcut, residual


class Unchecked(Shortcut):
    """Leaves the shapes to PyTorch."""

    def misfit(self, through: Tensor, around: Tensor) -> Tensor:
        """Join them all the same."""
        return self.join(through, around)


def in_joining(name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake in how both ways are joined, by whoever compares their shapes first and by who does not."""

    def declare(join: Callable[[Tensor, Tensor], Tensor]) -> Callable:
        for base in (Shortcut, Unchecked):
            wrong = type("Residual", (base,), {"join": staticmethod(join)})
            mistake(residual, name, ask=ask, look=look)(wrong)
        return join

    return declare


@in_joining(
    "a sum that goes through a ReLU",
    ask="The block gives 0, and x is -2. What comes out?",
    look="what happens behind the sum: an activation there stands in the way of every block before.",
)
def _(through, around):
    return torch.relu(through + around)


@in_joining(
    "a product in place of a sum",
    ask="The block gives 0. What is left of x?",
    look="the operator between x and block(x).",
)
def _(through, around):
    return through * around


@in_joining(
    "a mean of both ways",
    ask="The block gives 0. How much of x is left behind one such block, and how much behind ten?",
    look="the factor in front of the sum.",
)
def _(through, around):
    return (through + around) / 2


@in_joining(
    "both ways side by side, not added",
    ask="Three numbers go in. How many come out, and how many behind ten such blocks?",
    look="cat: what is asked for is a sum.",
)
def _(through, around):
    return torch.cat([through, around], dim=-1)


@mistake(
    residual,
    "a sum that is written into x",
    ask="The caller looks at x again after your forward has run. Which numbers stand there?",
    look="+= or add_: on a tensor they write over it. Make a new one.",
)
class _(Shortcut):
    def forward(self, x):
        if self.project is not None or self.block(x).shape != x.shape:
            return super().forward(x)
        x += self.block(x)
        return x


@in_joining(
    "a difference in place of a sum",
    ask="The block gives 1 and x is 3. Which number should come out?",
    look="the operator between x and block(x).",
)
def _(through, around):
    return around - through


@in_joining(
    "a block alone, with no way around it",
    ask="The block gives 0 whatever comes. Where is x in your result?",
    look="forward: two ways lead through this module.",
)
def _(through, around):
    return through


@mistake(
    residual,
    "a block that is left out where the shapes do not fit",
    ask="Three numbers go in and the block gives two. What does your module hand on, and who would notice?",
    look="the case of shapes that differ: whoever built this should hear of it.",
)
class _(Shortcut):
    def misfit(self, through, around):
        return around


@mistake(
    residual,
    "a shortcut that is left out where the shapes do not fit",
    ask="The block gives two numbers for three. Is your module still what its name says, and who would notice?",
    look="the case of shapes that differ: whoever built this should hear of it.",
)
class _(Shortcut):
    def misfit(self, through, around):
        return through


@mistake(
    residual,
    "a sum that leaves the shapes to broadcasting",
    ask="x has the shape (4, 3) and block(x) has (4, 1). Which shape has their sum, and what do its columns mean?",
    look="the sum: compare the two shapes before it, and raise what the text asks for.",
)
class _(Unchecked):
    pass


@mistake(
    residual,
    "a projection that is used only where the shapes differ",
    ask="Block and projection both keep the shape. What does your module do with the projection that it was given?",
    look="the condition: it asks about the shapes, and it should ask whether there is a projection.",
)
class _(Shortcut):
    def around(self, x):
        return x if self.block(x).shape == x.shape else super().around(x)


@mistake(
    residual,
    "a projection that is used only where the shapes differ, and then is taken for granted",
    ask="Block and projection both keep the shape. What does your module do with the projection that it was given?",
    look="the condition: it asks about the shapes, and it should ask whether there is a projection.",
)
class _(Unchecked):
    def around(self, x):
        return x if self.block(x).shape == x.shape else self.project(x)


@mistake(
    residual,
    "a projection that takes the place of the block",
    ask="With a projection given, which of your lines runs the block?",
    look="the two branches of your condition: the block is in the sum in both.",
)
class _(Shortcut):
    def join(self, through, around):
        return around if self.project is not None else super().join(through, around)


@mistake(
    residual,
    "a block that is given the projected x",
    ask="A block that takes three numbers, a projection from three to two: what does your block get?",
    look="the name x: once it is overwritten by its projection, the block sees that one.",
)
class _(Shortcut):
    def forward(self, x):
        return super().forward(x) if self.project is None else self.block(self.project(x)) + self.project(x)


@mistake(
    residual,
    "a block that is given the projected x, and a sum that leaves the shapes to broadcasting",
    ask="A block that takes three numbers, a projection from three to two: what does your block get?",
    look="the name x: once it is overwritten by its projection, the block sees that one.",
)
class _(Unchecked):
    def forward(self, x):
        x = self.around(x)
        return self.block(x) + x


@mistake(
    residual,
    "a projection that is never used",
    ask="What does your forward do with the projection?",
    look="the way around: x goes there as it is only if there is no projection.",
)
class _(Shortcut):
    def around(self, x):
        return x


@mistake(
    residual,
    "a shortcut that no gradient passes",
    ask="The block's slope is 0. Which slope has the sum, and which one does autograd find in yours?",
    look="detach, or the no_grad around it: the way around is there for the gradient above all.",
)
class _(Shortcut):
    def around(self, x):
        return super().around(x).detach()


@in_joining(
    "a block that no gradient passes",
    ask="What is a block good for whose weights get no gradient?",
    look="detach, or the no_grad around it.",
)
def _(through, around):
    return through.detach() + around


@mistake(
    residual,
    "a block and a projection that the module does not know of",
    ask="What does list(Residual(nn.Linear(3, 3)).parameters()) hold?",
    look="where block and project are kept: nn.Module sees its attributes, and not into a list, a tuple or a lambda.",
)
class _(Shortcut):
    def __init__(self, block, project=None):
        super().__init__(block, project)
        self.hidden = [self._modules.pop(name, None) for name in ("block", "project")]

    @property
    def block(self):
        return self.hidden[0]

    @property
    def project(self):
        return self.hidden[1]
