"""Who belongs to a class: a table that a teacher's office keeps."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

ID_COLUMNS = ("id", "student_id", "login", "username", "email")


@dataclass(frozen=True)
class Roster:
    """Who belongs to a class.

    Args:
        columns: their names, in order.
        rows: what stands in each column, by the learner's id, in order.
    """

    columns: tuple[str, ...]
    rows: dict[str, dict[str, str]]

    @classmethod
    def read(cls, path: Path, *, column: str | None = None) -> "Roster":
        """Read a CSV in UTF-8, with commas, semicolons or tabs, whose first row names the columns.

        Columns without a name and rows without a word are passed over.

        Args:
            path: of the CSV.
            column: that holds the ids; by default the first with a name of `ID_COLUMNS` in any case, else the first.

        Raises:
            ValueError: the file cannot be read, is no such CSV, or an id is missing or repeated.
        """
        lines = _csv_lines(path)
        line, header = next(lines, (1, []))
        if not header:
            raise _wrong(path, line, "nothing stands in this file; its first row names the columns, such as id,email")
        columns = tuple(name for name in header if name)
        if len(set(columns)) < len(columns):
            raise _wrong(path, line, "two columns have the same name; give each one of its own")
        ids = column or next((name for name in columns if name.lower() in ID_COLUMNS), columns[0])
        if ids not in columns:
            raise _wrong(path, line, f"there is no column {shown(ids)}; there are {', '.join(map(shown, columns))}")
        rows: dict[str, dict[str, str]] = {}
        for line, cells in lines:
            if any(cells[len(header) :]):
                raise _wrong(path, line, f"there are {len(cells)} cells for {len(header)} columns")
            row = {name: cell for name, cell in zip_longest(header, cells[: len(header)], fillvalue="") if name}
            if not row[ids]:
                raise _wrong(path, line, f"nothing stands in the column {shown(ids)}, where the learner's id belongs")
            if row[ids] in rows:
                raise _wrong(path, line, f"the id {shown(row[ids])} stands in an earlier row too; each needs its own")
            rows[row[ids]] = row
        if not rows:
            raise _wrong(path, line, "there is no learner below the names of the columns")
        return cls(columns, rows)

    def id_in(self, name: str) -> str | None:
        """The longest id that stands in a name as a whole word, also between underscores; the first of equally long."""
        name = unicodedata.normalize("NFC", name)  # macOS takes accents off their letters in the names of files
        found = []
        for id in self.rows:
            word = unicodedata.normalize("NFC", id)
            if word in name and (place := re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", name)):
                found.append((len(word), -place.start(), id))
        return max(found)[2] if found else None


def printable(text: str) -> str:
    """A text with nothing in it that a terminal would obey."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def shown(text: str) -> str:
    """A name as a sentence has it: printable and not too long."""
    text = printable(text)
    return text if len(text) <= 100 else f"{text[:99]}…"


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows in which something stands, each with the number of its last line."""
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError as problem:
        raise ValueError(f"{printable(str(path))} cannot be read: {problem.strerror}.") from problem
    if odd := re.search("[\0\udc80-\udcff]", text):  # the second is what no UTF-8 was decoded to
        line = text.count("\n", 0, odd.start()) + 1
        raise _wrong(path, line, "this is no text in UTF-8; save the table as CSV in UTF-8")
    try:
        delimiter = csv.Sniffer().sniff(text[:4096], delimiters=",;\t").delimiter
    except csv.Error:
        delimiter = ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as problem:
        raise _wrong(path, reader.line_num, f"this is no CSV: {problem}; are its quotes in pairs?") from problem


def _wrong(path: Path, line: int, what: str) -> ValueError:
    return ValueError(f"{printable(path.name)}, line {line}: {what}.")
