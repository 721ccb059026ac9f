"""Questions from memory: at the end of a section its own, at the start of the next ones those that were missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import ipywidgets as widgets

from course_lib import progress


@dataclass(frozen=True)
class Question:
    """Something to answer without looking.

    Args:
        id: under which the progress file keeps whether the learner had it.
        section: whose question it is, such as "4.3".
        text: what is asked.
        answer: shown once the learner has thought; one or two sentences.
    """

    id: str
    section: str
    text: str
    answer: str


class Recall:
    """Questions with answers that stay hidden until asked for; the learner says whether they had them.

    Args:
        title: what stands above.
        questions: in the order shown.
        if_none: what is said where there is no question.
    """

    def __init__(self, title: str, questions: Sequence[Question], if_none: str = ""):
        self.title, self.questions, self.if_none = title, tuple(questions), if_none

    def _row(self, number: int, question: Question) -> widgets.Widget:
        show = widgets.Button(description="Show the answer", layout=widgets.Layout(width="140px"))
        had = widgets.Button(description="I had it", layout=widgets.Layout(width="90px"))
        missed = widgets.Button(description="I missed it", layout=widgets.Layout(width="100px"))
        text = f"<b>{number}.</b> {escape(question.text)}"
        words = widgets.HTML(text)
        row = widgets.VBox([words, show])

        def judged(right: bool) -> None:
            progress.note_recall(question.id, right)
            closing = "You had it." if right else "You missed it: it will be asked again before a later section."
            words.value = f"{text}<br>{escape(question.answer)}<br><i>{closing}</i>"
            row.children = [words]

        def reveal(_button) -> None:
            words.value = f"{text}<br>{escape(question.answer)}"
            row.children = [words, widgets.HBox([had, missed])]

        show.on_click(reveal)
        had.on_click(lambda _button: judged(True))
        missed.on_click(lambda _button: judged(False))
        return row

    def _repr_mimebundle_(self, include=None, exclude=None):
        rows = [self._row(number, question) for number, question in enumerate(self.questions, 1)]
        head = f"<b>{escape(self.title)}</b>" + ("" if rows else f"<br>{escape(self.if_none)}")
        box = widgets.VBox([widgets.HTML(head), *rows])
        box.add_class("course-recall")
        bundle = box._repr_mimebundle_()
        live = bundle[0] if isinstance(bundle, tuple) else bundle
        return live | {"text/plain": str(self), "text/markdown": f"**{self.title}**\n\n{self._numbered()}"}

    def __str__(self) -> str:
        return f"{self.title}\n{self._numbered()}"

    def _numbered(self) -> str:
        numbered = (f"{number}. {question.text}" for number, question in enumerate(self.questions, 1))
        return "\n".join(numbered) or self.if_none


def from_memory(questions: Sequence[Question], section: str) -> Recall:
    """The questions of this section, to close it with."""
    return Recall("From memory", [question for question in questions if question.section == section])


def warm_up(questions: Sequence[Question], section: str, count: int = 2) -> Recall:
    """Questions from the sections before this one: first those that the learner missed, then those never asked.

    Of equal need the latest come first: what is fresh fades fastest, and the oldest would be asked everywhere.

    Args:
        questions: of the book so far, in its order.
        section: the one that begins.
        count: how many to ask.
    """
    sections = [question.section for question in questions]
    earlier = questions[: sections.index(section)] if section in sections else questions
    recalled = progress.recalled()
    by_need = sorted(reversed(earlier), key=lambda question: {False: 0, None: 1, True: 2}[recalled.get(question.id)])
    return Recall("Before you start, from earlier sections", by_need[:count])


def surprised() -> Recall:
    """The predictions that came out otherwise, asked again until the learner has them."""
    recalled = progress.recalled()
    questions = [
        Question(
            id=f"prediction {said['explorer']}",
            section=said["explorer"],
            text=said["question"],
            answer=f"«{said['result']}». You said «{said['picked']}», {'sure of it' if said['sure'] else 'a guess'}.",
        )
        for said in progress.surprises()
    ]
    open_ones = [question for question in questions if not recalled.get(question.id)]
    return Recall("What surprised you", open_ones, if_none="Nothing so far, or nothing any more.")
