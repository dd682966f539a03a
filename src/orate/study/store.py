"""The answers of a study, in one SQLite file.

The standard library's sqlite3 is enough: two tables, six statements, and no driver or schema tool to install. In WAL
mode readers never wait for a writer, an answer is on the disk before the page hears that it was taken, and what was
answered before a crash or a restart is there after it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orate.errors import OrateError
from orate.study.assignment import draw_trials
from orate.study.folder import Study

SCHEMA_VERSION = 1
WAIT_S = 10.0  # for another writer
SEED_BITS = 62  # SQLite's integers have 63
SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- of a person who withdrew it is not given again
    token TEXT NOT NULL UNIQUE,                -- in the person's cookie, nowhere else
    seed INTEGER NOT NULL,
    began TEXT NOT NULL,
    finished TEXT
);
CREATE TABLE IF NOT EXISTS trials (
    person INTEGER NOT NULL REFERENCES people(number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    clip TEXT NOT NULL,
    generated INTEGER NOT NULL,
    said_real INTEGER,                         -- NULL until answered
    seconds REAL,
    plays INTEGER,
    PRIMARY KEY (person, position)
);
"""


@dataclass(frozen=True)
class Person:
    """How far somebody is.

    Attributes:
        number: from 1.
        token: what their cookie holds.
        answered: clips answered, which is also the position of the next one.
        finished: whether all are.
    """

    number: int
    token: str
    answered: int
    finished: bool


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        person: their number.
        finished: whether that person answered all clips.
        position: of the clip in the person's order, from 0.
        clip: its key.
        generated: whether the generated version was shown.
        said_real: what the person said.
        seconds: from the clip's first start to the answer.
        plays: how often it was played.
    """

    person: int
    finished: bool
    position: int
    clip: str
    generated: bool
    said_real: bool
    seconds: float
    plays: int

    @property
    def right(self) -> bool:
        """Whether the person saw what it was."""
        return self.said_real != self.generated


class AnswerStore:
    """Keeps who is where in a study, and what they said. Safe for several threads and several servers.

    Args:
        path: the file; it is made when it is not there.
        study: whose answers these are.

    Raises:
        OrateError: a file that is no such database, or one that may not be written.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self._path, self._study = path, study
        try:
            with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as database:
                version = database.execute("PRAGMA user_version").fetchone()[0]
                if version not in (0, SCHEMA_VERSION):
                    raise OrateError(f"{path} is of version {version}, this release reads {SCHEMA_VERSION}.")
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        except sqlite3.Error as error:
            raise OrateError(f"{path} cannot be used for answers: {error}.") from error

    def begin(self) -> Person:
        """Give somebody new their clips."""
        token, seed = secrets.token_urlsafe(18), secrets.randbits(SEED_BITS)
        with self._change() as database:
            insert = "INSERT INTO people (token, seed, began) VALUES (?, ?, ?)"
            number = database.execute(insert, (token, seed, _now())).lastrowid or 0
            trials = draw_trials(self._study, number, seed)
            database.executemany(
                "INSERT INTO trials (person, position, clip, generated) VALUES (?, ?, ?, ?)",
                [(number, position, clip, generated) for position, (clip, generated) in enumerate(trials)],
            )
        return Person(number, token, 0, False)

    def person(self, token: str) -> Person | None:
        """Who has this token, and how far they are."""
        with self._open() as database:
            row = database.execute(
                "SELECT number, finished IS NOT NULL, (SELECT count(said_real) FROM trials WHERE person = number)"
                " FROM people WHERE token = ?",
                (token,),
            ).fetchone()
        return None if row is None else Person(row[0], token, row[2], bool(row[1]))

    def shown(self, person: Person, position: int) -> tuple[str, bool] | None:
        """The clip at a person's position: its key, and whether the generated version is shown."""
        with self._open() as database:
            row = database.execute(
                "SELECT clip, generated FROM trials WHERE person = ? AND position = ?", (person.number, position)
            ).fetchone()
        return None if row is None else (row[0], bool(row[1]))

    def answer(self, person: Person, position: int, said_real: bool, seconds: float, plays: int) -> bool:
        """Take the answer to the clip that is next, once.

        Returns:
            False, and nothing is changed, when this clip is answered already or is not the next one.
        """
        with self._change() as database:
            taken = database.execute(
                "UPDATE trials SET said_real = ?, seconds = ?, plays = ? WHERE person = ? AND position = ?"
                " AND position = (SELECT count(said_real) FROM trials WHERE person = ?)",
                (said_real, seconds, plays, person.number, position, person.number),
            ).rowcount
            if taken:
                database.execute(
                    "UPDATE people SET finished = ? WHERE number = ?"
                    " AND NOT EXISTS (SELECT 1 FROM trials WHERE person = number AND said_real IS NULL)",
                    (_now(), person.number),
                )
        return bool(taken)

    def withdraw(self, person: Person) -> None:
        """Delete a person and all that they answered; free pages are overwritten, and the log is emptied."""
        with self._change() as database:
            database.execute("DELETE FROM people WHERE number = ?", (person.number,))
        with self._open() as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def answers(self, person: Person | None = None) -> list[Answer]:
        """All answers, or one person's, by person and position."""
        with self._open() as database:
            rows = database.execute(
                "SELECT person, finished IS NOT NULL, position, clip, generated, said_real, seconds, plays"
                " FROM trials JOIN people ON number = person"
                " WHERE said_real IS NOT NULL AND (? IS NULL OR person = ?) ORDER BY person, position",
                (person and person.number, person and person.number),
            ).fetchall()
        return [
            Answer(number, bool(finished), position, clip, bool(generated), bool(said_real), seconds, plays)
            for number, finished, position, clip, generated, said_real, seconds, plays in rows
        ]

    def began(self) -> int:
        """How many people began and did not withdraw."""
        with self._open() as database:
            return int(database.execute("SELECT count(*) FROM people").fetchone()[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=WAIT_S, isolation_level=None)) as database:
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("PRAGMA secure_delete = ON")
            yield database

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction that has the right to write from its beginning, so that two never decide on the same state."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")


def _now() -> str:
    """UTC to the minute: more is not needed, and would be a trace of the person."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")
