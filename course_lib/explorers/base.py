"""The base class of every explorer: it turns a pure `compute` and a way to draw into a live, accessible widget."""

import base64
import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np
import torch

from course_lib import progress
from course_lib.checkpoints import CheckpointError
from course_lib.explorers.canvas import Canvas, to_png
from course_lib.explorers.controls import Control, offer
from course_lib.explorers.learners import LearnerError
from course_lib.explorers.picture import ClickablePicture
from course_lib.explorers.prediction import Prediction, PredictionBox
from course_lib.seeds import without_trace


@dataclass(frozen=True)
class Quest:
    """Something to bring about with the explorer's controls.

    Args:
        id: its name in the progress file.
        text: what to bring about.
        test: whether the data that the explorer computed in its present state show it.
    """

    id: str
    text: str
    test: Callable[[dict], bool]


class Explorer:
    """A live view of something real: controls, a picture, a sentence.

    A subclass declares `controls` and writes `compute`, `build`, `update` and `describe`; it may write `places`.

    Args:
        hide: controls that this lesson leaves out.
        predict: a question to answer before the controls unlock.
        learner: the learner's own function, run beside the reference.
        with_quests: which quests this lesson shows: all, none, or those with these ids.
        state: where to open, control by control.

    Raises:
        ValueError: a control or a quest is unknown, or a control cannot be set to the value asked for.
    """

    id: ClassVar[str] = ""  # the syllabus topic, under which predictions and quests are kept
    controls: ClassVar[Mapping[str, Control]] = {}
    size: ClassVar[tuple[int, int]] = (880, 320)  # screen pixels
    quests: ClassVar[tuple[Quest, ...]] = ()
    presets: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)  # the states that lessons open it at; benchmarks run each
    sweep_from: ClassVar[Mapping[str, Any]] = {}  # a state in which every control matters

    def __init__(
        self,
        *,
        hide: Sequence[str] = (),
        predict: Prediction | None = None,
        learner: Callable | None = None,
        with_quests: bool | Sequence[str] = True,
        **state,
    ):
        self.hide, self.predict, self.learner = tuple(hide), predict, learner
        self.asking = predict is not None  # until it is answered, no view may give the answer away
        self._asked = self._chosen_quests(with_quests)
        self._known([*state, *hide])
        self._opened_at = {name: control.start for name, control in self.controls.items()} | state
        for name, value in self._opened_at.items():
            self.controls[name].check(name, value)
        self._state = self._fitted(self._opened_at)
        self._canvas: Canvas | None = None
        self._view: widgets.Widget | None = None
        self._setting = False
        self.data: dict = {}
        self.status = self.notice = ""
        self.done = progress.quests_done(self.id) if self._asked else set()

    # ---- what a subclass writes ---------------------------------------------------------------------------------

    def compute(self, **values) -> dict:
        """What the controls' values make of the model: arrays, numbers, words. Pure; ValueError for bad input."""
        raise NotImplementedError

    def build(self, figure) -> Any:
        """Make the figure once; return the artists that will move."""
        raise NotImplementedError

    def update(self, artists: Any, data: dict) -> None:
        """Move the artists to where `data` has them."""
        raise NotImplementedError

    def describe(self, data: dict) -> str:
        """One or two sentences that say what the picture shows."""
        raise NotImplementedError

    def clicked(self, axes, x: float, y: float, other: bool) -> dict[str, Any]:
        """What a click on the picture sets: at (x, y) in the units of the axes; `other`: shift, or the right button."""
        raise NotImplementedError

    def places(self, **values) -> dict[str, list[str]]:
        """The names that each `Place` or `Span` control chooses among, given the other values; no two the same."""
        return {}

    # ---- state --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The whole view: `type(explorer)(**explorer.state())` opens the same one."""
        return dict(self._state)

    def set(self, **values) -> None:
        """Set controls as a learner would; the picture follows.

        Raises:
            ValueError: a control is unknown, or cannot be set to that value.
        """
        self._known(values)
        for name, value in values.items():
            self.controls[name].check(name, value)
        self._state = self._fitted(self._state | values)
        self._refresh()

    def reset(self) -> None:
        """Back to the state that it was opened at."""
        self.set(**self._opened_at)

    def _chosen_quests(self, chosen: bool | Sequence[str]) -> tuple[Quest, ...]:
        if isinstance(chosen, bool):
            return self.quests if chosen else ()
        there = {quest.id: quest for quest in self.quests}
        if unknown := [name for name in chosen if name not in there]:
            raise ValueError(f"{type(self).__name__} has no quest {unknown[0]!r}; it has {', '.join(there)}")
        return tuple(there[name] for name in chosen)

    def _known(self, names) -> None:
        unknown = [name for name in names if name not in self.controls]
        if unknown:
            raise ValueError(f"{type(self).__name__} has no control {unknown[0]!r}; it has {', '.join(self.controls)}")

    def _fitted(self, values: dict) -> dict:
        """`values` with each place inside its list, which another control may have shortened."""
        for name, options in self._offered(values).items():
            last = len(options) - 1
            value = values[name]
            values = values | {name: min(value, last) if isinstance(value, int) else tuple(min(v, last) for v in value)}
        return values

    def _offered(self, values: dict) -> dict[str, list[str]]:
        """`places`, which may compute as much as `compute` does."""
        with _undisturbed():
            return self.places(**values)

    # ---- drawing ------------------------------------------------------------------------------------------------

    @property
    def canvas(self) -> Canvas:
        """The persistent figure, made at its first use."""
        if self._canvas is None:
            self._canvas = Canvas(*self.size, self.build)
        return self._canvas

    def look(self) -> None:
        """Compute and draw the present state: sets `data`, `status` and the canvas's artists.

        Raises:
            ValueError, LearnerError: the sentence to show in place of a new picture.
        """
        with _undisturbed():
            data = self.compute(**self._state)
        self.update(self.canvas.artists, data)
        self.data, self.status = data, self.describe(data)

    def png(self) -> bytes:
        """The present picture."""
        if not self.data:
            self.look()
        return to_png(self.canvas.draw())

    def _refresh(self) -> None:
        """Look, and show what came of it; without a new picture the last good one stays."""
        try:
            self.look()
            self.notice = ""
        except (ValueError, LearnerError, CheckpointError) as problem:
            self.notice = f'<div class="course-notice">{escape(str(problem))}</div>'
        except Exception as error:
            what = escape(f"{type(error).__name__}: {error}")
            self.notice = f'<div class="course-error">This explorer failed: {what}</div>'
            if os.environ.get("COURSE_STRICT"):
                raise
        finally:
            if not self.notice:
                self._tick_quests()
            if self._view is not None:
                self._show()

    def _tick_quests(self) -> None:
        for quest in self._asked:
            if quest.id not in self.done and quest.test(self.data):
                self.done = self.done | {quest.id}
                progress.note_quest(self.id, quest.id)

    # ---- the widget ---------------------------------------------------------------------------------------------

    @property
    def view(self) -> widgets.Widget:
        """The live widget, made at its first use."""
        if self._view is None:
            self._make_view()
            self._refresh()
        return self._view

    def _make_view(self) -> None:
        self._inputs = {name: control.widget(name) for name, control in self.controls.items()}
        for name, widget in self._inputs.items():
            widget.add_class(f"course-control-{name.replace('_', '-')}")
            widget.observe(lambda change, name=name: self._moved({name: change["new"]}), "value")
        self._picture = self._make_picture()
        self._picture.add_class("course-picture")
        self._words, self._list = widgets.HTML(), widgets.HTML()
        reset = widgets.Button(description="Reset", layout=widgets.Layout(width="90px"))
        reset.on_click(lambda _button: self.reset())
        shown = [widget for name, widget in self._inputs.items() if name not in self.hide]
        controls = widgets.Box([*shown, reset], layout=widgets.Layout(flex_flow="row wrap", align_items="center"))
        parts = [controls, self._picture, self._words, self._list]
        if self.predict:
            self._lock(True)
            parts.insert(0, PredictionBox(self.predict, self.id, self._unlock))
        self._view = widgets.VBox(parts, layout=widgets.Layout(max_width=f"{self.size[0] + 20}px"))
        self._view.add_class("course-explorer")

    def _make_picture(self) -> widgets.DOMWidget:
        if type(self).clicked is Explorer.clicked:
            return widgets.Image(format="png", layout=widgets.Layout(width=f"{self.size[0]}px", max_width="100%"))
        return ClickablePicture(width=self.size[0], clicked=self._pressed)

    def _pressed(self, x: float, y: float, other: bool) -> None:
        if self.asking:
            return  # locked, as the controls are
        axes, *at = self.canvas.point(x, y)
        if axes is not None and (changes := self.clicked(axes, *at, other)):
            self._moved(changes)

    def _lock(self, locked: bool) -> None:
        for widget in self._inputs.values():
            widget.disabled = locked

    def _unlock(self, show: bool) -> dict:
        self.asking = False
        self._lock(False)
        if show:
            self.set(**self.predict.then)
        else:
            self._refresh()
        return self.data

    def _moved(self, changes: dict[str, Any]) -> None:
        if not self._setting:
            self._state = self._fitted(self._state | changes)
            self._refresh()

    def _show(self) -> None:
        self._setting = True  # what is set here is not the learner's doing
        try:
            for name, options in self._offered(self._state).items():
                offer(self._inputs[name], options)
            for name, widget in self._inputs.items():
                if widget.value != self._state[name]:
                    widget.value = self._state[name]
        finally:
            self._setting = False
        if not self.notice:
            self._picture.value = self.png()
        self._words.value = f'<div role="status" aria-live="polite">{self.notice or escape(self.status)}</div>'
        self._list.value = "".join(
            f"<div>{'☑ <b>Quest, done</b>' if quest.id in self.done else '☐ <b>Quest</b>'}: {escape(quest.text)}</div>"
            for quest in self._asked
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = self.view._repr_mimebundle_()
        live = bundle[0] if isinstance(bundle, tuple) else bundle
        if not self._picture.value:  # there never was a picture: the words say why
            return live | {"text/plain": unescape(re.sub("<[^>]*>", "", self.notice))}, {}
        still = {"image/png": base64.b64encode(self._picture.value).decode(), "text/plain": self.status}
        return live | still, {"image/png": {"width": self.size[0], "alt": self.status}}

    # ---- tests --------------------------------------------------------------------------------------------------

    def sweep(self) -> dict[str, int]:
        """Run every shown control over its whole range through its widget.

        Returns:
            how many different pictures each control gave

        Raises:
            AssertionError: a control changes neither the data nor the pixels, or a value is refused.
        """
        before, pictures = self.state(), {}
        _view = self.view
        for name in (name for name in self.controls if name not in self.hide):
            self.set(**{**self._opened_at, **self.sweep_from})
            data, pixels = set(), set()
            for value in self.controls[name].samples():
                self.set(**{name: value})
                assert not self.notice, f"{name} = {value!r}: {self.notice}"
                data.add(_digest(self.data))
                pixels.add(self._picture.value)
            assert len(data) > 1, f"{name} does not change the data"
            assert len(pixels) > 1, f"{name} does not change the picture"
            pictures[name] = len(pixels)
        self.set(**before)
        return pictures


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """On one thread, on which small networks are faster than on two, by far on a busy machine; and without a trace: an
    explorer above a cell does not change what the cell draws."""
    threads = torch.get_num_threads()
    if threads > 1:
        torch.set_num_threads(1)
    try:
        with without_trace():
            yield
    finally:
        if threads > 1:
            torch.set_num_threads(threads)


def _digest(value: Any) -> int:
    if isinstance(value, Mapping):
        return hash(tuple((key, _digest(item)) for key, item in sorted(value.items())))
    if isinstance(value, np.ndarray):
        return hash((value.shape, value.tobytes()))
    if isinstance(value, list | tuple):
        return hash(tuple(_digest(item) for item in value))
    return hash(repr(value))
