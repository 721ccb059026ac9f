"""`fit`: the one training loop, short enough to read."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from datetime import date

import torch
from torch import Tensor, nn
from tqdm import tqdm

from course_lib import __version__
from course_lib.batches import Batches, endless, from_the_start, lengths, whole
from course_lib.checkpoints import KeptTraining, kept_training
from course_lib.fingerprints import CannotHash, fingerprint
from course_lib.processes import Team
from course_lib.screen import progress_bar, say
from course_lib.seeds import random_state, seeded, set_random_state

__all__ = ["Batches", "History", "fit"]

SAVE_EVERY = 30.0  # seconds between two saves of a training that goes on; changes when it is saved, never its result


@dataclass
class History:
    """What happened in a training.

    Attributes:
        losses: one a step.
        validation: one a pass through the batches, if `validate` was given; the smaller the better.
        validated_at: how many steps had been made at each of them.
        stopped: finished, good enough, no improvement or interrupted.
        cached: trained and kept, loaded, or not kept and why.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    validated_at: list[int] = field(default_factory=list)
    stopped: str = ""
    cached: str = field(default="", compare=False)  # says nothing about the training itself

    def __repr__(self) -> str:  # the same whether it was trained or loaded, so that a notebook repeats itself
        losses = f", loss {self.losses[0]:.3f} → {self.losses[-1]:.3f}" if self.losses else ""
        validation = f", validation {self.validation[-1]:.3f}" if self.validation else ""
        return f"History({len(self.losses)} steps{losses}{validation}, {self.stopped})"


def fit(
    model: nn.Module,
    batches: Iterable,
    loss: Callable[..., Tensor],
    *,
    epochs: int | None = None,
    steps: int | None = None,
    learning_rate: float = 1e-3,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    schedule: Callable[[float], float] | None = None,
    clip_norm: float | None = None,
    validate: Iterable | Callable[[nn.Module], float] | None = None,
    validate_every: int | None = None,
    patience: int | None = None,
    stop_below: float | None = None,
    seed: int = 0,
    name: str = "training",
    cache: bool = True,
) -> History:
    """Train a model: the only training loop of the course.

    The model moves to `device()` and stays there, in evaluation mode. A training is kept in the cache, and loaded when
    the very same one is asked for again (`course_lib.checkpoints`). Ctrl-C ends it after the present step and keeps the
    weights and the history so far; pressed again, it ends at once. A training that was interrupted goes on where it
    stood when it is started again. Randomness outside goes on as if `fit` had drawn nothing. Under `accelerate launch`
    the same call trains one model on several processes, each on its share of the batches.

    Args:
        model: called with the inputs of a batch.
        batches: yields `(inputs, targets)`, inputs a tensor or a tuple of tensors: `Batches`, a list, a data loader; or
            with `steps`, and never kept, a generator.
        loss: `loss(model(*inputs), targets)` is one number, the smaller the better.
        epochs: passes through the batches; give these or the steps.
        steps: batches in all.
        learning_rate: of the optimizer.
        optimizer: called with the weights and `lr=learning_rate`.
        schedule: share of the steps made, from 0 to 1, → share of the learning rate to use; None uses all of it.
        clip_norm: a longer gradient is cut to this length.
        validate: held-out batches whose mean loss is measured after every pass, or a function that measures the model;
            the smaller the better.
        validate_every: steps between two validations; a pass if None.
        patience: stop after so many validations without a better one, and go back to the best weights.
        stop_below: stop as soon as a validation is below this number, and keep the weights that reached it.
        seed: of all randomness inside, dropout's for example.
        name: what the training is called on the screen and in the cache.
        cache: False trains anew and keeps nothing.

    Raises:
        ValueError: settings or batches that cannot be; says what to do.
        FloatingPointError: the loss is not finite; says at which step, and what to try.
    """
    positive = {"learning_rate": learning_rate, "clip_norm": clip_norm}
    _check(validate, stop_below, positive, {"patience": patience, "validate_every": validate_every})
    team = Team()
    batches, validate = from_the_start(batches), from_the_start(validate)
    total, pass_length = lengths(batches, epochs, steps, team)
    settings = [total, learning_rate, optimizer, schedule, clip_norm, validate, validate_every, patience, stop_below]
    settings += [seed, team.device.type, team.size]
    key, reason = _key([model.train(), batches, loss, *settings]) if cache else (None, "cache=False")

    with kept_training(name, key if team.first else None) as kept, seeded(seed):
        run = Run(name, model.to(team.device), optimizer, learning_rate, patience, team)
        stream = run.begin(team.agree(kept.load()), endless(batches, seed, team))
        network, history = team.prepare(model), run.history
        with run.progress_bar(total) as bar, _ctrl_c(run) as pressed:
            while not history.stopped:
                inputs, targets = team.moved(next(stream))  # a tuple of tensors (batch, ...), and (batch, ...)
                with team.precision:
                    value = loss(network(*inputs), targets)  # ()
                run.note(value)  # raises where the loss is not finite
                run.optimizer.zero_grad()
                value.backward()
                if clip_norm is not None:
                    nn.utils.clip_grad_norm_(run.weights, clip_norm)
                if schedule is not None:
                    run.set_learning_rate(learning_rate * schedule(run.step / total))
                run.optimizer.step()
                run.step += 1
                if bar.update():  # now and then it is drawn anew
                    bar.set_postfix_str(run.last_loss())
                if validate is not None and (run.step % (validate_every or pass_length) == 0 or run.step == total):
                    run.note_validation(team.agree(_measure(model, validate, loss, team)))
                history.stopped = run.why_stop(total, pressed, stop_below)
                run.save_now_and_then(kept)
        run.end(kept, total, f"not kept: {reason}")
    team.release()
    model.zero_grad()  # of the last step: a network just trained is to be as a loaded one is
    model.eval()
    return history


class Run:
    """A training under way: all that it needs to go on after an interruption as if there had been none."""

    def __init__(
        self,
        name: str,
        model: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        learning_rate: float,
        patience: int | None,
        team: Team,
    ):
        self.weights = [weight for weight in model.parameters() if weight.requires_grad]
        if not self.weights:
            raise ValueError(f"{type(model).__name__} has no weights that can be trained")
        self.name, self.model, self.patience, self.team = name, model, patience, team
        self.make_optimizer, self.learning_rate = optimizer, learning_rate
        self.history, self.step = History(), 0
        self.best, self.best_weights, self.since_best = math.inf, None, 0
        self.unread: list[Tensor] = []  # losses that were not looked at yet
        self.whole = True  # False when an interruption may have cut a step in two
        self.seconds, self.began = 0.0, time.monotonic()

    def progress_bar(self, total: int) -> tqdm:
        hidden = {"disable": True} if self.history.stopped or not self.team.first else {}  # else TQDM_DISABLE decides
        return progress_bar(desc=self.name, total=total, initial=self.step, unit="step", **hidden)

    def set_learning_rate(self, learning_rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate

    def note(self, loss: Tensor) -> None:
        """Take down the loss of a step, and look at it now or, where that takes time, together with the next ones.

        Raises:
            ValueError: the loss is not one number.
            FloatingPointError: it is not finite.
        """
        if loss.ndim:
            raise ValueError(f"loss must return one number, its mean for example, not a tensor of {tuple(loss.shape)}")
        self.unread.append(loss.detach())
        if len(self.unread) >= self.team.read_every:
            self._read_losses()

    def last_loss(self) -> str:
        """The last loss that was looked at, in words."""
        return f"loss {self.history.losses[-1]:.3f}" if self.history.losses else ""

    def note_validation(self, score: float) -> None:
        """Take down a validation, and the weights if it is the best so far and they may be wanted back."""
        self.history.validation.append(score)
        self.history.validated_at.append(self.step)
        self.since_best += 1
        if score < self.best:
            self.best, self.since_best = score, 0
            self.best_weights = deepcopy(self.model.state_dict()) if self.patience else None

    def why_stop(self, total: int, pressed: bool, stop_below: float | None) -> str:
        """Why the training should stop after this step; nothing if it should not."""
        if stop_below is not None and self.history.validation[-1:] and self.history.validation[-1] < stop_below:
            return "good enough"
        if self.step == total:
            return "finished"
        if self.patience and self.since_best >= self.patience:
            return "no improvement"
        return "interrupted" if pressed else ""

    def begin(self, state: dict | None, stream: Iterator) -> Iterator:
        """Begin, or go on where a kept training stands, or stand where it ended; returns the batches that are left."""
        if state is not None:
            self.model.load_state_dict(state["model"])
            self.history, self.step, self.seconds = History(**state["history"]), state["step"], state["seconds"]
        if self.history.stopped:
            self.history.cached = "loaded"
            say(f"{self.name}: loaded, trained on {state['made']} in {self.seconds:.0f} s", progress=True)
            return stream
        self.optimizer = self.make_optimizer(self.weights, lr=self.learning_rate)  # the first takes PyTorch a second
        if state is not None:
            self.optimizer.load_state_dict(state["optimizer"])
            self.best, self.best_weights, self.since_best = state["best"], state["best_weights"], state["since_best"]
            say(f"{self.name}: goes on after step {self.step}", progress=True)
            for _ in range(self.step):  # the generators of the batches get to where they were
                next(stream)
            set_random_state(state["random"])
        return stream

    def save_now_and_then(self, kept: KeptTraining) -> None:
        """Save a training that goes on, if SAVE_EVERY seconds are over and all its losses were looked at."""
        if not self.history.stopped and not self.unread and time.monotonic() - self.began >= SAVE_EVERY:
            kept.save(self._state(), finished=False)

    def end(self, kept: KeptTraining, total: int, not_kept: str) -> None:
        """Bring the best weights back, keep the result, and say so if it was interrupted."""
        if self.history.cached:  # it was loaded
            return
        self._read_losses()
        interrupted = self.history.stopped == "interrupted"
        if self.best_weights is not None and not interrupted:
            self.model.load_state_dict(self.best_weights)
        saved = self.whole and kept.save(self._state(), finished=not interrupted)
        self.history.cached = "kept" if self.team.agree(saved) else not_kept
        if interrupted:
            again = " Build the model anew and call fit again, and it goes on from here." if saved else ""
            say(f"{self.name}: interrupted after step {self.step} of {total}; weights and history are kept.{again}")

    def _read_losses(self) -> None:
        if not self.unread:
            return
        losses = self.team.mean(self.unread)
        self.unread.clear()
        for step, loss in enumerate(losses, start=len(self.history.losses) + 1):
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"{self.name}: the loss is {loss} at step {step}. Try a smaller learning_rate than"
                    f" {self.learning_rate:g}, or clip_norm=1.0; at the first steps look for nan or inf in the data."
                )
        self.history.losses += losses

    def _state(self) -> dict:
        """What `resume` needs; of a training that ended, its result."""
        now = time.monotonic()
        self.seconds, self.began = self.seconds + now - self.began, now
        result = {
            "model": self.model.state_dict(),
            "history": asdict(self.history),
            "step": self.step,
            "seconds": self.seconds,
            "made": date.today().isoformat(),
        }
        if self.history.stopped in ("finished", "good enough", "no improvement"):
            return result
        result["history"]["stopped"] = ""
        best = {"best": self.best, "best_weights": self.best_weights, "since_best": self.since_best}
        return result | best | {"optimizer": self.optimizer.state_dict(), "random": random_state()}


@contextmanager
def _ctrl_c(run: Run) -> Iterator[list]:
    """Ctrl-C waits for the end of the step, so that what is kept is whole; pressed again, it ends the training at once.

    Yields a list that is empty until it is pressed. Of several processes each would stop at another step and leave the
    others waiting, so there Ctrl-C ends the program as ever.
    """
    pressed: list[bool] = []

    def press(_signal, _frame):
        if pressed:
            raise KeyboardInterrupt
        pressed.append(True)

    if run.team.size > 1:
        yield pressed
        return
    in_main_thread = threading.current_thread() is threading.main_thread()  # only there signals can be handled
    before = signal.signal(signal.SIGINT, press) if in_main_thread else None
    try:
        yield pressed
    except KeyboardInterrupt:
        run.history.stopped, run.whole = "interrupted", False
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, before or signal.default_int_handler)


@torch.no_grad()
def _measure(model: nn.Module, validate: Iterable | Callable, loss: Callable, team: Team) -> float:
    """What `validate` says of the model in evaluation mode: for batches the mean loss of their rows."""
    model.eval()
    try:
        with team.precision:
            if callable(validate):
                return float(validate(model))
            total, rows = 0.0, 0
            for batch in from_the_start(validate):
                inputs, targets = team.moved(batch)
                total += float(loss(model(*inputs), targets)) * len(inputs[0])
                rows += len(inputs[0])
            return total / rows
    finally:
        model.train()


def _key(decides: list) -> tuple[str | None, str]:
    """The fingerprint of what decides a training's result, or None and why there is none."""
    try:
        return fingerprint(decides, fit, __version__, torch.__version__), "the cache cannot be written"
    except CannotHash as error:
        return None, str(error)


def _check(validate: object, stop_below: float | None, positive: dict, whole_numbers: dict) -> None:
    for setting, value in positive.items():
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise ValueError(f"{setting} must be a number above 0, not {value!r}")
    for setting, value in whole_numbers.items():
        if value is not None:
            whole(setting, value)
            if validate is None:
                raise ValueError(f"{setting} needs validate=..., or nothing says whether the model still gets better")
    wrong = not isinstance(stop_below, int | float) or math.isnan(stop_below)
    if stop_below is not None and (validate is None or wrong):
        raise ValueError("stop_below is a number that the validation is compared with, and needs validate=...")
    if isinstance(validate, Iterator):
        raise ValueError("validate is a generator, which can be read only once: give a list of batches")
