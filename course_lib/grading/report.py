"""Reports of graded notebooks: a table for the terminal, JSON for programs, Markdown for people, JUnit for CI."""

import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from course_lib import __version__
from course_lib.grading.grade import Report, Row, Score
from course_lib.paths import write_atomically

_CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold


@dataclass(frozen=True)
class Grades:
    """All that one run of the grader found.

    Args:
        reports: one a notebook.
        seed: of the numbers that were drawn.
        guards: that were in force around the answers (see `course_lib.grading.sandbox`).
    """

    reports: tuple[Report, ...]
    seed: int
    guards: tuple[str, ...] = ()

    def rows(self, level: str | None = None) -> list[Row]:
        """All rows, or those of one level."""
        return [row for report in self.reports for row in report.rows if level in (None, row.level)]

    @property
    def score(self) -> Score:
        """Points over all notebooks."""
        return Score.of(self.rows())

    @property
    def ungraded(self) -> list[Report]:
        """Notebooks that could not be read."""
        return [report for report in self.reports if report.problem]

    def reaches(self, percent: float) -> bool:
        """Whether so many percent of the points were earned, and every notebook could be read."""
        return not self.ungraded and self.score.percent >= percent

    def total(self) -> str:
        """The sums in one line."""
        core, more = Score.of(self.rows("core")), Score.of(self.rows("more"))
        levels = f" (core {core}, more {more})" if more.out_of else ""
        return f"{self.score} points, {self.score.percent:.0f} %{levels}"


def table(grades: Grades) -> str:
    """The rows and the sum as aligned plain text."""
    lines = []
    for report in grades.reports:
        lines.append(report.name)
        cells = [(row.exercise, f"{row.points:g} of {row.out_of:g}", _status(row)) for row in report.rows]
        widths = [max((len(cell[n]) for cell in cells), default=0) for n in range(2)]
        for (id, points, status), row in zip(cells, report.rows, strict=True):
            lines.append(f"  {id:{widths[0]}}   {points:>{widths[1]}}   {status}")
            lines += [f"    {row.note}"] if row.note else []
        if not report.rows:
            lines.append(f"  {report.problem or 'no exercises in it'}")
    return "\n".join([*lines, "", f"In all {grades.total()}"])


def write_reports(grades: Grades, folder: Path) -> None:
    """Write report.json, report.md and junit.xml into a folder.

    Raises:
        OSError: the folder cannot be written.
    """
    write_atomically(folder / "report.json", as_json(grades))
    write_atomically(folder / "report.md", as_markdown(grades))
    write_atomically(folder / "junit.xml", as_junit(grades))


def as_json(grades: Grades) -> str:
    """Everything, for programs."""
    total = dataclasses.asdict(grades.score)
    content = {"version": __version__, "seed": grades.seed, "guards": grades.guards, **total}
    return json.dumps(content | {"notebooks": as_notebooks(grades.reports)}, indent=1, ensure_ascii=False) + "\n"


def as_notebooks(reports: Iterable[Report]) -> list[dict]:
    """Reports as JSON holds them."""
    return [
        {
            "notebook": report.name,
            "points": Score.of(report.rows).points,
            "out_of": Score.of(report.rows).out_of,
            "problem": report.problem,
            "exercises": [dataclasses.asdict(row) for row in report.rows],
        }
        for report in reports
    ]


def as_markdown(grades: Grades) -> str:
    """Tables, then what there is to say about each answer that is not right."""
    lines = ["# Grades", "", f"**{grades.total()}**", ""]
    for report in grades.reports:
        lines += [f"## {report.name}", ""]
        if not report.rows:
            lines += [report.problem or "No exercises in it.", ""]
            continue
        lines += ["| exercise | points | |", "| --- | ---: | --- |"]
        lines += [
            f"| {markdown_cell(row.exercise)} | {row.points:g} of {row.out_of:g} | {markdown_cell(_status(row))} |"
            for row in report.rows
        ]
        lines += ["", *_notes(report.rows), *_feedback(report.rows)]
    walls = f"behind these walls: {', '.join(grades.guards)}" if grades.guards else "without walls around it"
    lines += [f"Version {__version__}; `--seed {grades.seed}` draws these numbers again. Each answer ran {walls}.", ""]
    return "\n".join(lines)


def as_junit(grades: Grades) -> str:
    """One test suite a notebook, one test case an exercise."""
    root = ElementTree.Element("testsuites", name="course grade")
    for report in grades.reports:
        rows = report.rows or (Row(report.name, "", 0, 0, "failed", feedback=report.problem),)
        if not report.rows and not report.problem:
            continue
        suite = ElementTree.SubElement(root, "testsuite", name=report.name)
        for row in rows:
            case = ElementTree.SubElement(suite, "testcase", classname=_xml(report.name), name=_xml(row.exercise))
            if row.status in ("not started", "not finished", "no answer cell"):
                ElementTree.SubElement(case, "skipped", message=row.status)
            elif row.status != "passed":
                ElementTree.SubElement(case, "failure", message=_xml(_status(row))).text = _xml(row.feedback)
        counts = {"tests": "testcase", "failures": "testcase/failure", "skipped": "testcase/skipped"}
        suite.attrib.update({name: str(len(suite.findall(path))) for name, path in counts.items()})
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _status(row: Row) -> str:
    return f"{row.status}: {row.mistake}" if row.status == "failed" and row.mistake else row.status


def _notes(rows: Sequence[Row]) -> Iterable[str]:
    for row in rows:
        if row.note:
            yield from (f"**{markdown_cell(row.exercise)}**: {row.note}", "")


def _feedback(rows: Sequence[Row]) -> Iterable[str]:
    for row in rows:
        if row.feedback and row.status not in ("passed", "not started"):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", row.feedback)), default=0))
            yield from (f"**{markdown_cell(row.exercise)}**", "", fence + "text", row.feedback, fence, "")


def markdown_cell(text: str) -> str:
    """Text that cannot break out of a Markdown table."""
    return re.sub(r"([|<>`*_\[\]\\])", r"\\\1", " ".join(text.split()))[:300]


def _xml(text: str) -> str:
    return _CONTROL.sub("?", text)
