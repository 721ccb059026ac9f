"""The exercises of 4.5, the next word, in the order of the notebook."""

from course_lib.recurrent.exercises.next_word import (  # noqa: I001 (the notebook's order)
    counts,
    perplexity,
    score,
    feed_forward,
)

__all__ = ["counts", "feed_forward", "perplexity", "score"]
