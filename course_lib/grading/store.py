"""What was graded before: kept in one SQLite file, so that nothing is graded twice and a killed run loses nothing."""

import dataclasses
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from course_lib.grading.grade import Row

SCHEMA = """
    CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, exercise TEXT NOT NULL, row TEXT NOT NULL);
"""


class StoreError(Exception):
    """The file cannot be used; the text says why and what to do."""


class Store:
    """Rows by what decides them; each `put` is there after a crash, or not at all.

    Args:
        path: of the file; it is made if it is missing.
        writing: False opens what is there for reading, beside the process that writes.

    Raises:
        StoreError: the file is damaged or cannot be written; from every method.
    """

    def __init__(self, path: Path, *, writing: bool = True):
        self.path = path
        with self._problems():
            if writing:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._base = sqlite3.connect(path, timeout=30)
                self._base.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
                self._base.executescript(SCHEMA)
            else:
                self._base = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)

    def seed(self, wanted: int | None) -> int:
        """The seed of this class: the wanted one, else that of the run before, else a new one nobody knows."""
        with self._problems(), self._base:
            known = self._base.execute("SELECT value FROM settings WHERE name = 'seed'").fetchone()
            seed = wanted if wanted is not None else int(known[0]) if known else secrets.randbelow(2**31)
            self._base.execute("INSERT OR REPLACE INTO settings VALUES ('seed', ?)", (str(seed),))
            return seed

    def get(self, key: str) -> Row | None:
        """What was found under this key."""
        with self._problems():
            found = self._base.execute("SELECT row FROM rows WHERE key = ?", (key,)).fetchone()
        return _row(found[0]) if found else None

    def put(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Keep rows, all of them or none."""
        entries = [(key, row.exercise, json.dumps(dataclasses.asdict(row))) for key, row in rows]
        with self._problems(), self._base:
            self._base.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", entries)

    def forget(self, exercise: str) -> None:
        """Drop what is known of an exercise, so that it is graded again."""
        with self._problems(), self._base:
            self._base.execute("DELETE FROM rows WHERE exercise = ?", (exercise,))

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    @contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            hint = "Make room on the disk, or name another folder with --out" if "full" in str(problem) else (
                "Is it another program's, or damaged? Then move it away: what is in it will be graded again"
            )
            raise StoreError(f"{self.path} cannot be used: {problem}. {hint}.") from problem


def _row(text: str) -> Row:
    fields = json.loads(text)
    return Row(**fields | {"parts": tuple(fields["parts"])})
