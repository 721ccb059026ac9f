"""What a learner can set on an explorer: each control knows its widget, its valid values and the range to sweep."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np
import traitlets

DESCRIPTION_WIDTH = "112px"
WIDTH = "420px"


@dataclass(frozen=True, kw_only=True)
class Control:
    """One thing to set.

    Args:
        start: its value when the explorer opens.
        label: what stands before it; its own name if empty.
    """

    start: Any
    label: str = ""

    def widget(self, name: str) -> widgets.Widget:
        """The live widget, labelled and reachable by keyboard."""
        made = self._make(
            description=self.label or name.replace("_", " "),
            style={"description_width": DESCRIPTION_WIDTH},
            layout=widgets.Layout(flex=f"0 1 {WIDTH}", min_width="300px"),
        )
        return made

    def _make(self, **common) -> widgets.Widget:
        raise NotImplementedError

    def check(self, name: str, value: Any) -> None:
        """Raises ValueError, with what is allowed, if the value cannot be set."""

    def samples(self) -> Sequence[Any]:
        """Values over the whole range, for `Explorer.sweep`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Slider(Control):
    """A number between `low` and `high`, in steps."""

    low: float
    high: float
    step: float

    def _make(self, **common) -> widgets.Widget:
        whole = all(isinstance(value, int) for value in (self.low, self.high, self.step))
        kind = widgets.IntSlider if whole else widgets.FloatSlider
        return kind(value=self.start, min=self.low, max=self.high, step=self.step, **common)

    def check(self, name: str, value: Any) -> None:
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high:
            raise ValueError(f"{name} can be set from {self.low} to {self.high}, not to {value!r}")

    def samples(self) -> Sequence[float]:
        values = np.linspace(self.low, self.high, 7)
        return [round(v) for v in values] if isinstance(self.step, int) else [float(v) for v in values]


@dataclass(frozen=True, kw_only=True)
class Steps(Slider):
    """A whole number between `low` and `high`, with a button beside the slider that adds one.

    Args:
        run: how many a second button adds, ten times a second, until it is pressed again; 0 for no such button.
    """

    low: int = 0
    high: int
    step: int = field(default=1, init=False)
    run: int = 0

    def _make(self, **common) -> widgets.Widget:
        return StepBox(value=self.start, least=self.low, most=self.high, run=self.run, **common)

    def check(self, name: str, value: Any) -> None:
        super().check(name, value)
        if not isinstance(value, int | np.integer):
            raise ValueError(f"{name} is a whole number, not {value!r}")


class StepBox(widgets.HBox):
    """A slider over whole numbers and a «Step» button, which as a whole has a value like any other input.

    Args:
        value, least, most: where it stands, and between which numbers.
        run: what the run button adds at each tick, in the browser; 0 for no run button.
        description, style: of the slider.
        layout: of the whole.
    """

    value = traitlets.Int()
    disabled = traitlets.Bool()
    description = traitlets.Unicode()

    TICK = 100  # milliseconds between two pictures of a run

    def __init__(
        self, *, value: int, least: int, most: int, run: int, description: str, style: dict, layout: widgets.Layout
    ):
        if run:  # three buttons more
            layout.flex, layout.min_width = "0 1 640px", "480px"
        wide = widgets.Layout(flex="1 1 auto", width="auto")
        self.slider = widgets.IntSlider(value=value, min=least, max=most, style=style, layout=wide)
        self.button = widgets.Button(description="Step", tooltip="one more", layout=widgets.Layout(width="64px"))
        self.runner = None
        if run:
            self.runner = widgets.Play(
                value=value, min=least, max=most, step=run, interval=self.TICK, show_repeat=False
            )
            widgets.link((self, "value"), (self.runner, "value"))
            widgets.link((self, "disabled"), (self.runner, "disabled"))
        parts = [self.slider, self.button, *([self.runner] if run else [])]
        super().__init__(parts, value=value, description=description, layout=layout)
        widgets.link((self, "value"), (self.slider, "value"))
        widgets.link((self, "disabled"), (self.slider, "disabled"))
        widgets.link((self, "description"), (self.slider, "description"))
        self.button.on_click(lambda _button: setattr(self, "value", min(self.value + 1, most)))
        self.observe(self._close_button, ["value", "disabled"])
        self._close_button()

    def _close_button(self, _change=None) -> None:
        self.button.disabled = self.disabled or self.value >= self.slider.max


@dataclass(frozen=True, kw_only=True)
class Choice(Control):
    """One of a few named options."""

    options: tuple[str, ...]

    def _make(self, **common) -> widgets.Widget:
        return widgets.Dropdown(options=self.options, value=self.start, **common)

    def check(self, name: str, value: Any) -> None:
        if value not in self.options:
            raise ValueError(f"{name} is one of {', '.join(map(repr, self.options))}, not {value!r}")

    def samples(self) -> Sequence[str]:
        return self.options


@dataclass(frozen=True, kw_only=True)
class Text(Control):
    """Words that the learner types; taken over at Enter or when the field is left.

    Args:
        tries: texts to sweep over.
    """

    tries: tuple[str, ...] = ()

    def _make(self, **common) -> widgets.Widget:
        common["layout"].flex = "1 1 100%"
        return widgets.Text(value=self.start, continuous_update=False, **common)

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise ValueError(f"{name} is a text, not {value!r}")

    def samples(self) -> Sequence[str]:
        return (self.start, *self.tries)


@dataclass(frozen=True, kw_only=True)
class Points(Text):
    """Points of two classes in the plane, as a text that can be typed: «x y class; x y class», classes 0 and 1.

    A click on the picture adds one; `with_point` gives the text for it.
    """

    MOST: ClassVar[int] = 200

    def check(self, name: str, value: Any) -> None:
        super().check(name, value)
        self.read(value)

    @classmethod
    def read(cls, text: str) -> tuple[np.ndarray, np.ndarray]:
        """The points of a text.

        Returns:
            x: (n, 2) float32
            y: (n,) int64, 0 or 1

        Raises:
            ValueError: a point cannot be read, or there are too many.
        """
        entries = [entry.split() for entry in text.split(";") if entry.strip()]
        if len(entries) > cls.MOST:
            raise ValueError(f"{cls.MOST} points at most, not {len(entries)}")
        for entry in entries:
            if len(entry) != 3 or entry[2] not in ("0", "1") or not all(map(_is_number, entry[:2])):
                wrong = " ".join(entry)
                raise ValueError(f"a point is «x y class» with class 0 or 1, such as «0.5 -0.2 1», not «{wrong}»")
        x = np.array([entry[:2] for entry in entries], np.float32).reshape(-1, 2)
        return x, np.array([entry[2] for entry in entries], np.int64)

    @staticmethod
    def with_point(text: str, x: float, y: float, label: int) -> str:
        """The text with one point more."""
        return "; ".join(part for part in (text.strip().rstrip(";"), f"{x:z.2f} {y:z.2f} {label}") if part)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class Place(Control):
    """One place in a list that changes with the other controls, such as a word of the sentence; counted from 0.

    Args:
        tries: places to sweep over.
    """

    tries: tuple[int, ...] = (0, 1, 2, 3)

    def _make(self, **common) -> widgets.Widget:
        return widgets.SelectionSlider(options=[(str(n), n) for n in range(self.start + 1)], value=self.start, **common)

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} is a place counted from 0, not {value!r}")

    def samples(self) -> Sequence[int]:
        return self.tries


@dataclass(frozen=True, kw_only=True)
class Span(Control):
    """From one place to another, both included, in a list that changes with the other controls.

    Args:
        tries: spans to sweep over.
    """

    tries: tuple[tuple[int, int], ...] = ((0, 0), (1, 2), (0, 3))

    def _make(self, **common) -> widgets.Widget:
        options = [(str(n), n) for n in range(max(self.start) + 1)]
        return widgets.SelectionRangeSlider(options=options, index=self.start, **common)

    def check(self, name: str, value: Any) -> None:
        valid = isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(v, int) for v in value)
        if not valid or not 0 <= value[0] <= value[1]:
            raise ValueError(f"{name} is a pair of places (from, to) counted from 0, not {value!r}")

    def samples(self) -> Sequence[tuple[int, int]]:
        return self.tries


def offer(widget: widgets.Widget, names: list[str]) -> None:
    """Let a place or span choose among `names`."""
    options = tuple((name, number) for number, name in enumerate(names))
    if tuple(widget.options) != options:
        last, value = len(options) - 1, widget.value
        widget.options = options
        widget.value = min(value, last) if isinstance(value, int) else tuple(min(v, last) for v in value)
