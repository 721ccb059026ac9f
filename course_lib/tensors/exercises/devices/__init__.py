"""The exercise of 1.4, devices."""

from course_lib.tensors.exercises.devices import moving

__all__ = ["moving"]
