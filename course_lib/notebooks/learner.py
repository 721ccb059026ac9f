"""`course progress` and `course solution`."""

import click

from course_lib.notebooks.files import right_answer
from course_lib.progress import summary


@click.command()
def progress() -> None:
    """What you have solved, predicted and found so far."""
    click.echo(summary())


@click.command()
@click.argument("exercise")
def solution(exercise: str) -> None:
    """Show the right answer of EXERCISE, for example recurrent.lstm.forget-gate.

    Its id stands in the first line of its cell. There are other right answers than the one shown.
    """
    click.echo(right_answer(exercise), nl=False)
