"""What was graded before: kept in one SQLite file, so that nothing is graded twice and a killed run loses nothing."""

import dataclasses
import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from course_lib.grading.grade import Row

SPARE = 2**20  # bytes: a disk with less room is full
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
        known = self.known_seed()
        new = secrets.randbelow(2**31) if known is None else known
        seed = new if wanted is None else wanted
        with self._problems(), self._base:
            self._base.execute("INSERT OR REPLACE INTO settings VALUES ('seed', ?)", (str(seed),))
        return seed

    def known_seed(self) -> int | None:
        """The seed of what is known, if there is one."""
        with self._problems():
            known = self._base.execute("SELECT value FROM settings WHERE name = 'seed'").fetchone()
        return int(known[0]) if known else None

    def rows(self) -> dict[str, Row]:
        """All that is known, by key."""
        with self._problems():
            return {key: _row(row) for key, row in self._base.execute("SELECT key, row FROM rows")}

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

    def take(self, files: Iterable[Path], seed: int | None = None) -> int | None:
        """Take over the rows of other stores.

        Args:
            files: of the other stores.
            seed: that was asked for, if any.

        Returns:
            the seed of all; `seed` where there are no others

        Raises:
            ValueError: their seeds differ, so that what is known of one is of no use beside the other.
            StoreError: one of them cannot be read.
        """
        with ExitStack() as stack:
            others = [stack.enter_context(closing(Store(file, writing=False))) for file in files]
            seeds = {other.known_seed() for other in others} | ({seed} - {None})
            if len(seeds) > 1:
                which = ", ".join(sorted(map(str, seeds)))
                raise ValueError(f"The parts do not have one seed ({which}): grade all of them with the same --seed.")
            for other in others:
                self.put(other.rows().items())
        return seeds.pop() if seeds else None

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
            hint = "Is it another program's, or damaged? Then move it away: what is in it will be graded again"
            if _is_full(self.path.parent):
                hint = "The disk is full: make room, or name another folder with --out. What was graded is kept"
            raise StoreError(f"{self.path} cannot be used: {problem}. {hint}.") from problem


def _is_full(folder: Path) -> bool:
    """Whether the disk is; SQLite says so in several ways, some of which mean other things as well."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free < SPARE


def _row(text: str) -> Row:
    fields = json.loads(text)
    return Row(**fields | {"parts": tuple(fields["parts"])})
