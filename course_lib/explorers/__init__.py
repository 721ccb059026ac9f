"""Explorers: a real model under the learner's hand. The base class turns compute + draw into a live widget."""

from course_lib.explorers.base import Explorer, Quest
from course_lib.explorers.controls import Choice, Place, Points, Slider, Span, Steps, Text
from course_lib.explorers.learners import LearnerError, learners_code
from course_lib.explorers.prediction import Prediction

__all__ = [
    "Choice",
    "Explorer",
    "LearnerError",
    "Place",
    "Points",
    "Prediction",
    "Quest",
    "Slider",
    "Span",
    "Steps",
    "Text",
    "learners_code",
]
