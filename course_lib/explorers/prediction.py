"""Predict first: the learner commits to an answer, and how sure they are, before the controls unlock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as widgets

from course_lib import progress


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A question to answer before looking.

    Args:
        question: what will happen.
        options: the answers to pick from.
        then: the explorer's state that shows what happens.
        result: which option came true, from the data that the explorer computes in that state.
    """

    question: str
    options: tuple[str, ...]
    then: Mapping[str, Any]
    result: Callable[[dict], str]


class PredictionBox(widgets.VBox):
    """The question with its answers; calls `unlock(show)` once the learner has answered or passed.

    Args:
        prediction: what is asked.
        explorer: the id under which the answer is kept.
        unlock: called with True to show the result's state, with False to open the controls only.
    """

    def __init__(self, prediction: Prediction, explorer: str, unlock: Callable[[bool], dict]):
        self.prediction, self.explorer, self.unlock = prediction, explorer, unlock
        self.pick = widgets.ToggleButtons(
            options=prediction.options,
            value=None,
            tooltips=[""] * len(prediction.options),
            style={"button_width": "max-content"},
        )
        self.sure = widgets.Checkbox(
            value=False, description="I am sure", indent=False, layout=widgets.Layout(width="120px")
        )
        self.go = widgets.Button(description="Show me", button_style="primary", disabled=True)
        self.skip = widgets.Button(description="Skip, just unlock", layout=widgets.Layout(width="150px"))
        self.verdict = widgets.HTML()
        self.pick.observe(lambda _change: setattr(self.go, "disabled", self.pick.value is None), "value")
        self.go.on_click(lambda _button: self._answer())
        self.skip.on_click(lambda _button: self._close(""))
        question = widgets.HTML(f"<b>Predict first.</b> {escape(prediction.question)}")
        super().__init__([question, self.pick, widgets.HBox([self.sure, self.go, self.skip]), self.verdict])
        self.add_class("course-prediction")

    def _answer(self) -> None:
        picked, sure = self.pick.value, self.sure.value
        result = self.prediction.result(self.unlock(True))
        progress.note_prediction(self.explorer, self.prediction.question, picked, sure, result)
        manner = "sure" if sure else "a guess"
        if picked == result:
            self._close(f"You said «{escape(picked)}» ({manner}), and so it is.")
        else:
            self._close(
                f"You said «{escape(picked)}» ({manner}). What happened: «{escape(result)}». Look at why below."
            )

    def _close(self, verdict: str) -> None:
        if not verdict:
            self.unlock(False)
        self.children = [self.children[0], self.verdict] if verdict else []
        self.verdict.value = verdict
