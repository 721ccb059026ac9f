"""The class behind `compile` and `fit`."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.exercises import Case, exercise, mistake, part, randn
from course_lib.tensors.exercises.eager.common import draw_weights
from course_lib.tensors.exercises.eager.keras import (
    ADAM,
    DROPOUT,
    LINE,
    MOMENTUM,
    PLAIN,
    TASKS,
    Fit,
    Keras,
    history_of,
    in_turn,
    judged,
    predicted,
    weights_after,
)


@exercise("tensors.high-level-api", "Model(layers)", level="core", minutes=12, blanks=4)
def model(rng):
    """A small Keras: compile, fit, evaluate, predict."""

    def rows(task: str, number: int) -> tuple[list[Tensor], Tensor, Tensor]:
        """Weights, inputs and targets for a task."""
        weights = draw_weights(rng, nn.Sequential(*TASKS[task]().layers))
        labels = torch.from_numpy(rng.integers(2, size=number))
        return weights, randn(rng, number, 3), labels if task == ADAM else randn(rng, number, 2)

    def case(via: Callable, inputs: tuple, shown: str, because: str) -> Case:
        expected = via(Keras, *inputs)
        return Case(
            inputs, via=via, expected=expected, shown=f"{inputs[0]}; {shown}", because=because, rtol=1e-4, atol=1e-5
        )

    zeros = [torch.zeros(1, 1), torch.zeros(1)]

    def fits_in_words(fits: list[Fit], before: str = "") -> str:
        return " and then ".join(f"{before}fit(x, y, {epochs}, {size})" for epochs, size in fits)

    def by_hand(via: Callable, number: int, fits: list[Fit], because: str) -> Case:
        ones = torch.ones(number, 1)
        given = f"{number} {'row' if number == 1 else 'rows'} with x = 1 and y = 1"
        return case(via, (LINE, zeros, ones, ones, fits), f"{given}, {fits_in_words(fits)}", because)

    def drawn(via: Callable, task: str, number: int, fits: list[Fit], because: str) -> Case:
        before = "evaluate, predict, " if via is in_turn else ""
        shown = f"{number} random rows, {fits_in_words(fits, before)}"
        return case(via, (task, *rows(task, number), fits), shown, because)

    with part("weights by hand", points=1):
        yield by_hand(weights_after, 1, [(1, 1)], "loss, gradients, step")
        yield by_hand(weights_after, 1, [(2, 1)], "the second step begins where the first one ended")
        yield by_hand(weights_after, 3, [(1, 2)], "two rows, then one: two steps")
    with part("the weights of an explicit loop", points=2):
        for task, number, fits in (
            (PLAIN, 6, [(1, 2)]),
            (PLAIN, 7, [(3, 3)]),
            (MOMENTUM, 5, [(2, 2)]),
            (MOMENTUM, 4, [(2, 2), (2, 4)]),
            (ADAM, 8, [(3, 3)]),
            (ADAM, 5, [(1, 2), (2, 5)]),
        ):
            yield drawn(weights_after, task, number, fits, "the rows in their order, one step a batch, one optimiser")
    with part("the history", points=1):
        yield by_hand(history_of, 1, [(2, 1)], "an epoch's loss is what its batches met, before each step")
        yield by_hand(history_of, 3, [(2, 2)], "two rows count twice as much as one")
        for task, number, fits in ((PLAIN, 7, [(3, 3)]), (ADAM, 5, [(2, 4), (3, 2)])):
            yield drawn(history_of, task, number, fits, "weigh each batch's loss by its rows")
    with part("evaluate and predict", points=1):
        for task, number in ((PLAIN, 4), (ADAM, 5), (DROPOUT, 3), (DROPOUT, 6)):
            because = "evaluation mode, no gradients, all rows"
            yield case(judged, (task, *rows(task, number)), f"{number} random rows, evaluate and then predict", because)
        for number in (2, 5):
            weights, x, _ = rows(DROPOUT, number)
            shown = f"{number} random rows, predict alone"
            yield case(predicted, (DROPOUT, weights, x), shown, "nobody called evaluate before")
    with part("one after the other", points=1):
        for number, fits in ((4, [(1, 2), (1, 2)]), (5, [(2, 3), (1, 5)])):
            because = "each of them sets the mode that it needs, whatever was called before"
            yield drawn(in_turn, DROPOUT, number, fits, because)


@mistake(
    model,
    "gradients that are never set to zero between steps",
    ask="At the second step, what does the gradient of a weight hold before backward is called?",
    look="the step: `backward` adds to what is there. Who takes it away?",
)
class _(Keras):
    def step(self, x, y):
        loss = self.loss(self.network(x), y)
        loss.backward()
        self.optimiser.step()
        return loss.item()


@mistake(
    model,
    "gradients that are set to zero once an epoch",
    ask="In an epoch of two batches, what does the gradient hold when the second batch comes?",
    look="where zero_grad stands: it belongs to the step.",
)
class _(Keras):
    def epoch(self, x, y, batch_size):
        self.optimiser.zero_grad()
        return super().epoch(x, y, batch_size)

    def step(self, x, y):
        loss = self.loss(self.network(x), y)
        loss.backward()
        self.optimiser.step()
        return loss.item()


@mistake(
    model,
    "a history in which a short last batch counts as much as a full one",
    ask="Three rows in batches of two: what share of the epoch's loss belongs to the third row?",
    look="the line of the mean: divide by rows, not by batches.",
)
class _(Keras):
    def mean(self, losses, rows):
        return float(losses.mean())


@mistake(
    model,
    "dropout that goes on in evaluate",
    ask="What does a Dropout layer do while you evaluate? Who told it that the training is over?",
    look="the first line of evaluate: torch.no_grad() changes no layer's mode.",
)
class _(Keras):
    @torch.no_grad()
    def evaluate(self, x, y):
        self.network.train()
        return self.loss(self.network(x), y).item()


@mistake(
    model,
    "dropout that goes on in predict",
    ask="What does a Dropout layer do while you predict? Who told it that the training is over?",
    look="the first line of predict: torch.no_grad() changes no layer's mode.",
)
class _(Keras):
    @torch.no_grad()
    def predict(self, x):
        self.network.train()
        return self.network(x)


@mistake(
    model,
    "a predict that relies on evaluate for the mode",
    ask="Somebody calls predict and never evaluate. In which mode is the network?",
    look="the first line of predict: the network's mode is whatever it was left in.",
)
class _(Keras):
    @torch.no_grad()
    def predict(self, x):
        return self.network(x)


@mistake(
    model,
    "dropout that goes on in evaluate and predict",
    ask="What does a Dropout layer do while you predict? Who told it that the training is over?",
    look="evaluate and predict: torch.no_grad() changes no layer's mode.",
)
class _(Keras):
    def evaluation_mode(self):
        pass


@mistake(
    model,
    "a training that stays in evaluation mode once something was evaluated",
    ask="fit is called after predict. In which mode does it find the network, and who changes that?",
    look="the first line of fit.",
)
class _(Keras):
    def training_mode(self):
        pass


@mistake(
    model,
    "an optimiser that is made anew in every fit",
    ask="Momentum remembers the steps before. What does yours remember when fit is called again?",
    look="where the optimiser is made: compile is called once.",
)
class _(Keras):
    def fit(self, x, y, epochs, batch_size):
        self.optimiser = self.make(self.network.parameters())
        return super().fit(x, y, epochs, batch_size)


@mistake(
    model,
    "a last batch that is left out when it is short",
    ask="Seven rows in batches of three: how many rows has your epoch seen?",
    look="the range of the batches: what is left over makes a batch too.",
)
class _(Keras):
    def batches(self, x, y, size):
        full = max(len(x) // size, 1) * size
        return super().batches(x[:full], y[:full], size)


@mistake(
    model,
    "one step an epoch, with all rows at once",
    ask="Six rows in batches of two: how many steps has one epoch?",
    look="fit: where does batch_size come in?",
)
class _(Keras):
    def batches(self, x, y, size):
        return iter([(x, y)])


@mistake(
    model,
    "a history with one number a batch",
    ask="Two epochs of three batches each: how long is the history?",
    look="which of the two loops the history grows in.",
)
class _(Keras):
    def fit(self, x, y, epochs, batch_size):
        self.network.train()
        return [self.step(*batch) for _ in range(epochs) for batch in self.batches(x, y, batch_size)]


@mistake(
    model,
    "a history of each epoch's last batch",
    ask="Which rows does the number that you keep for an epoch speak of?",
    look="what is kept of the batches before the last one.",
)
class _(Keras):
    def mean(self, losses, rows):
        return float(losses[-1])


@mistake(
    model,
    "a history of sums",
    ask="Twice as many rows, equally hard: should an epoch's loss be twice as large?",
    look="the end of an epoch: a mean is a sum divided by something.",
)
class _(Keras):
    def mean(self, losses, rows):
        return float(losses.sum())


@mistake(
    model,
    "a history measured after each epoch, in place of what the batches met",
    ask="One row, one step: the loss was 1 before it. What stands in your history?",
    look="the moment at which the loss is taken: before the step, while the batch is there.",
)
class _(Keras):
    def epoch(self, x, y, batch_size):
        super().epoch(x, y, batch_size)
        with torch.no_grad():
            return self.loss(self.network(x), y).item()


@mistake(
    model,
    "a step that is made before its gradient is there",
    ask="Which gradient does optimiser.step() use, and when was it computed?",
    look="the order of zero_grad, backward and step.",
)
class _(Keras):
    def step(self, x, y):
        loss = self.loss(self.network(x), y)
        self.optimiser.zero_grad()
        self.optimiser.step()
        loss.backward()
        return loss.item()


@mistake(
    model,
    "a training that ends after the first epoch",
    ask="fit for two epochs: how often does your outer loop run before it returns?",
    look="how far to the right the `return` stands.",
)
class _(Keras):
    def fit(self, x, y, epochs, batch_size):
        return super().fit(x, y, 1, batch_size)


@mistake(
    model,
    "predictions that carry gradients along",
    ask="Print predict(x).requires_grad. What is kept in memory for that?",
    look="predict: who says that no gradient will be asked for?",
)
class _(Keras):
    def predict(self, x):
        self.network.eval()
        return self.network(x)
