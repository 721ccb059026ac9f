"""What a learner can set on an explorer: each control knows its widget, its valid values and the range to sweep."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

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
    """A whole number between `low` and `high`, with a button beside the slider that adds one."""

    low: int = 0
    high: int
    step: int = field(default=1, init=False)

    def _make(self, **common) -> widgets.Widget:
        return StepBox(value=self.start, least=self.low, most=self.high, **common)

    def check(self, name: str, value: Any) -> None:
        super().check(name, value)
        if not isinstance(value, int | np.integer):
            raise ValueError(f"{name} is a whole number, not {value!r}")


class StepBox(widgets.HBox):
    """A slider over whole numbers and a «Step» button, which as a whole has a value like any other input.

    Args:
        value, least, most: where it stands, and between which numbers.
        description, style: of the slider.
        layout: of the whole.
    """

    value = traitlets.Int()
    disabled = traitlets.Bool()
    description = traitlets.Unicode()

    def __init__(self, *, value: int, least: int, most: int, description: str, style: dict, layout: widgets.Layout):
        wide = widgets.Layout(flex="1 1 auto", width="auto")
        self.slider = widgets.IntSlider(value=value, min=least, max=most, style=style, layout=wide)
        self.button = widgets.Button(description="Step", tooltip="one more", layout=widgets.Layout(width="64px"))
        super().__init__([self.slider, self.button], value=value, description=description, layout=layout)
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
