"""The exercises of 4.7, sequence to sequence and attention, in the order of the notebook."""

from course_lib.recurrent.exercises.attention import decoding, looking, looking_mistakes

__all__ = ["decoding", "looking", "looking_mistakes"]
