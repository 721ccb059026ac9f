"""What a teacher gets of a class: a table of grades, a page for each learner, and a page on each exercise."""

import csv
import dataclasses
import io
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_lib import __version__
from course_lib.grading.cohort import Graded
from course_lib.grading.grade import Report
from course_lib.grading.report import Grades, as_junit, as_markdown, as_notebooks, markdown_cell
from course_lib.grading.roster import Roster
from course_lib.paths import remove_half_written, write_atomically

FORMULA = "=+-@\t\r"  # what a spreadsheet would take for one


@dataclass(frozen=True)
class ClassGrades:
    """All that was found about a class.

    Args:
        graded: one a learner.
        seed: of the numbers that were drawn.
        roster: who belongs to the class; None if that is not known.
    """

    graded: tuple[Graded, ...]
    seed: int
    roster: Roster | None = None

    @property
    def exercises(self) -> list[str]:
        """All exercises that occur, in the workbook's order as far as a work shows it."""
        return list(dict.fromkeys(id for one in self.graded for id in one.rows))

    @property
    def missing(self) -> list[str]:
        """Who is on the roster and handed in nothing."""
        there = {one.work.learner for one in self.graded}
        return [learner for learner in (self.roster.rows if self.roster else ()) if learner not in there]

    @property
    def guards(self) -> tuple[str, ...]:
        """In force around every answer."""
        all_of = [set(one.guards) for one in self.graded if not one.problem]
        return tuple(sorted(set.intersection(*all_of))) if all_of else ()


def write_class(grades: ClassGrades, folder: Path) -> None:
    """Write grades.csv, report.md, report.json, junit.xml and a page a learner under feedback/.

    Raises:
        OSError: the folder cannot be written.
    """
    for place in (folder, folder / "feedback"):
        remove_half_written(place)
    write_atomically(folder / "grades.csv", as_csv(grades))
    write_atomically(folder / "report.md", as_summary(grades))
    write_atomically(folder / "report.json", as_json(grades))
    write_atomically(folder / "junit.xml", as_junit(_all(grades)))
    names = file_names([one.work.learner for one in grades.graded])
    for one, name in zip(grades.graded, names, strict=True):
        write_atomically(folder / "feedback" / f"{name}.md", as_page(one, grades.seed))


def as_csv(grades: ClassGrades) -> str:
    """A row a learner, a column an exercise, the roster's own columns first; who handed in nothing has a row too."""
    columns = grades.roster.columns if grades.roster else ()
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*columns, "learner", "work", "points", "out_of", "percent", *grades.exercises, "remark"])
    for one in sorted(grades.graded, key=lambda one: one.work.learner):
        score, rows = one.score, one.rows
        points = [rows[id].points if id in rows else "" for id in grades.exercises]
        own = _own_columns(grades, one.work.learner)
        remark = one.problem or ("" if one.work.known else "not on the roster")
        numbers = [f"{score.points:g}", f"{score.out_of:g}", f"{score.percent:.1f}"]
        table.writerow(map(_harmless, [*own, one.work.learner, one.work.name, *numbers, *points, remark]))
    for learner in grades.missing:
        own = _own_columns(grades, learner)
        nothing = ["", 0, "", 0, *[""] * len(grades.exercises), "handed in nothing"]
        table.writerow(map(_harmless, [*own, learner, *nothing]))
    return text.getvalue()


def as_summary(grades: ClassGrades) -> str:
    """The class in one page: an exercise a row, with the share that solved it and the commonest mistake."""
    lines = [f"# A class of {len(grades.graded)}", ""]
    if shares := [one.score.percent for one in grades.graded if not one.problem]:
        lines += [f"On average {sum(shares) / len(shares):.0f} % of the points.", ""]
    lines += ["| exercise | solved | points on average | commonest mistake |", "| --- | ---: | ---: | --- |"]
    for id in grades.exercises:
        rows = [one.rows[id] for one in grades.graded if id in one.rows]
        solved = sum(row.status == "passed" for row in rows)
        mistakes = Counter(row.mistake for row in rows if row.mistake)
        common = " × ".join(map(str, reversed(mistakes.most_common(1)[0]))) if mistakes else ""
        mean = sum(row.points for row in rows) / len(rows)
        lines.append(f"| {markdown_cell(id)} | {solved} of {len(rows)} | {mean:.2f} of {rows[0].out_of:g} | "
                     f"{markdown_cell(common)} |")  # fmt: skip
    problems = [(one.work.learner, one.problem) for one in grades.graded if one.problem]
    for title, entries in (("Not graded", problems), ("Handed in nothing", [(name, "") for name in grades.missing])):
        if entries:
            lines += ["", f"## {title}", ""]
            lines += [f"- {markdown_cell(name)}{': ' * bool(why)}{markdown_cell(why)}" for name, why in entries]
    walls = f"behind these walls: {', '.join(grades.guards)}" if grades.guards else "without walls around it"
    lines += ["", f"Version {__version__}, seed {grades.seed}. Each answer ran {walls}.", ""]
    return "\n".join(lines)


def as_json(grades: ClassGrades) -> str:
    """Everything, for programs."""
    learners = [
        {
            "learner": one.work.learner,
            "work": one.work.name,
            "points": one.score.points,
            "out_of": one.score.out_of,
            "problem": one.problem,
            "notebooks": as_notebooks(_named(one)),
        }
        for one in grades.graded
    ]
    content = {"version": __version__, "seed": grades.seed, "guards": grades.guards, "learners": learners}
    return json.dumps(content | {"missing": grades.missing}, indent=1, ensure_ascii=False) + "\n"


def as_page(one: Graded, seed: int) -> str:
    """What a learner gets to read."""
    if one.problem:
        return f"# Grades\n\n{one.problem}\n"
    return as_markdown(Grades(_named(one), seed, one.guards))


def _all(grades: ClassGrades) -> Grades:
    reports = [report for one in grades.graded for report in _named(one)]
    return Grades(tuple(reports), grades.seed, grades.guards)


def _named(one: Graded) -> tuple[Report, ...]:
    """The reports with the names that the learner gave: where a zip was unpacked is nobody's business."""
    work = Path(one.work.name)
    alone = work.suffix == ".ipynb"
    return tuple(
        dataclasses.replace(report, notebook=work if alone else work / report.notebook.name) for report in one.reports
    )


def file_names(learners: Iterable[str]) -> list[str]:
    """A file's name for each learner, without its ending; no two the same, whatever they are called."""
    names: dict[str, str] = {}
    for learner in learners:
        name = re.sub(r"[^\w.-]", "_", learner, flags=re.ASCII).strip(".")[:80] or "learner"
        while name.lower() in names:  # some systems take a and A for one
            name += "_"
        names[name.lower()] = name
    return list(names.values())


def _own_columns(grades: ClassGrades, learner: str) -> list[str]:
    if grades.roster is None:
        return []
    row = grades.roster.rows.get(learner, {})
    return [row.get(column, "") for column in grades.roster.columns]


def _harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple(FORMULA)) else value
