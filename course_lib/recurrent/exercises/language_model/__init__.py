"""The exercises of 4.6, an LSTM language model, in the order of the notebook."""

from course_lib.recurrent.exercises.language_model import (  # noqa: I001 (the notebook's order)
    head,
    head_mistakes,
    generation,
    generation_mistakes,
    embedding,
    text,
    text_mistakes,
)

__all__ = ["embedding", "generation", "generation_mistakes", "head", "head_mistakes", "text", "text_mistakes"]
