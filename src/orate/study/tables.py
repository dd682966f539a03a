"""The results of a study as CSV (RFC 4180, UTF-8, shares in [0, 1])."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence

from orate.study.results import Results
from orate.study.statistics import Share

SHARE_COLUMNS = ("right", "answers", "share", "wilson_low", "wilson_high")
Cell = str | int | float | bool | None


def people_csv(results: Results) -> str:
    """One line a person."""
    heading = ["person", "finished", *SHARE_COLUMNS, "real_right", "real", "generated_right", "generated"]
    rows = (
        [
            *(row.person, row.finished, *_cells(row.all), row.real.right, row.real.total),
            *(row.generated.right, row.generated.total, round(row.seconds, 3), round(row.plays, 3)),
        ]
        for row in results.people
    )
    return _csv([*heading, "median_seconds", "mean_plays"], rows)


def clips_csv(results: Results) -> str:
    """One line for each version of a clip."""
    rows = (
        [row.key, row.speaker, row.unseen, version, file, *_cells(share)]
        for row in results.clips
        for version, file, share in zip(("real", "generated"), row.files, (row.real, row.generated), strict=True)
    )
    return _csv(["clip", "speaker", "unseen", "version", "file", *SHARE_COLUMNS], rows)


def answers_csv(results: Results) -> str:
    """One line an answer."""
    rows = (
        [
            *(answer.person, answer.finished, answer.position + 1, answer.clip),
            *("generated" if answer.generated else "real", "real" if answer.said_real else "generated"),
            *(answer.right, round(answer.seconds, 3), answer.plays),
        ]
        for answer in results.answers
    )
    heading = ["person", "finished", "position", "clip", "version", "answer", "right", "seconds", "plays"]
    return _csv(heading, rows)


TABLES: dict[str, Callable[[Results], str]] = {"people": people_csv, "clips": clips_csv, "answers": answers_csv}


def _cells(share: Share) -> list[Cell]:
    low, high = share.interval or (None, None)
    return [share.right, share.total, *(None if x is None else round(x, 4) for x in (share.value, low, high))]


def _csv(heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heading)
    writer.writerows([str(cell).lower() if isinstance(cell, bool) else cell for cell in row] for row in rows)
    return text.getvalue()
