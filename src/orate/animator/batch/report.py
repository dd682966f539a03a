"""``report.csv``: what became of each row; always whole."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from orate.animator.batch.outcome import Outcome, State
from orate.animator.batch.rows import Row
from orate.media.files import whole_file

COLUMNS = ("row", "photo", "audio", "output", "state", "error", "seconds", "content_id")


def report_name(shard: tuple[int, int]) -> str:
    """``report.csv``; of one machine of several ``report-2-of-4.csv``."""
    return "report.csv" if shard[1] == 1 else f"report-{shard[0]}-of-{shard[1]}.csv"


def write_report(path: Path, rows: Sequence[Row], outcomes: Mapping[int, Outcome]) -> None:
    """Write the report of some rows.

    Args:
        path: of the file.
        rows: in the order of the report.
        outcomes: by number; rows that are not in it wait.

    Raises:
        OrateError: it cannot be written.
    """
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            outcome = outcomes.get(row.number, Outcome(row.number, State.WAITING))
            seconds = f"{outcome.seconds:.2f}" if outcome.seconds else ""
            said = (outcome.state, outcome.error, seconds, outcome.content_id)
            writer.writerow((row.number, row.photo, row.audio, row.output, *said))
