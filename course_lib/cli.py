"""The `course` command. Each subcommand is imported when it is called, so that `course --help` costs nothing."""

import sys
from importlib import import_module

import click

from course_lib import __version__
from course_lib.imports import no_collection

COMMANDS = {
    "lab": ("course_lib.notebooks.lab:lab", "Open the workbook in JupyterLab."),
    "run": ("course_lib.notebooks.command:run", "Execute a chapter's notebooks."),
    "tidy": ("course_lib.notebooks.command:tidy", "Strip what must not be committed from executed notebooks."),
    "progress": ("course_lib.notebooks.learner:progress", "What you have solved, predicted and found so far."),
    "solution": ("course_lib.grading.solutions:solution", "Show the right answer of an exercise."),
    "update": ("course_lib.notebooks.carry:update", "Carry your answers over to a new version of the workbook."),
    "grade": ("course_lib.grading.command:grade", "Grade notebooks, or folders of them."),
    "release": ("course_lib.grading.release:release", "Write a copy of the workbook for students."),
    "mutants": ("course_lib.grading.mutants:mutants", "Try the known mistakes of exercises on their judge."),
    "results": ("course_lib.results:main", "Compute the larger figures that the notebooks plot."),
    "doctor": ("course_lib.notebooks.doctor:doctor", "Check that everything the workbook needs is here."),
}


class LazyGroup(click.Group):
    """A group that knows its subcommands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        on_cluster = any(argument.startswith("--scheduler") for argument in sys.argv)  # where no answer runs here
        if name == "grade" and not on_cluster:
            import_module("course_lib.grading.children").start_early()
        module, attribute = COMMANDS[name][0].split(":")
        with no_collection():
            return getattr(import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="course")
def main() -> None:
    """The workbook's own command. `course COMMAND --help` explains each."""


if __name__ == "__main__":
    main()
