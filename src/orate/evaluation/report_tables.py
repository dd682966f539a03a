"""The tables of a report: in the paper's form with the paper's own figures, and every figure that was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from orate.evaluation.clip_record import ClipFigures
from orate.evaluation.paper_figures import CAVEATS, COLUMNS, CORPORA, QUOTED, PaperRow
from orate.evaluation.report import ALL_FIGURES, ROWS, count, summarise

UNKNOWN = "-"
ROUNDING = 1e-9
UNCHECKED = "*"  # marks figures that are recalled


@dataclass(frozen=True)
class ReportTable:
    """A table of words.

    Attributes:
        title: a line above it.
        columns: headings.
        rows: as many words each.
        notes: sentences below it.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """As a Markdown table with its title and notes."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        table = ["| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines]
        notes = [line for note in self.notes for line in ("", _escaped(note))]
        return "\n".join([f"## {self.title}", "", *table, *notes]) + "\n"


def clip_tables(clips: list[ClipFigures]) -> list[ReportTable]:
    """The tables of measured clips: the paper's form first, then all figures by group."""
    groups = summarise(clips)
    counts = {group: count(clips, group) for group in groups}
    named = [(f"{group}: {row}", counts[group], rows[row]) for group, rows in groups.items() for row in ROWS]
    tables = [paper_table("In the paper's form", named, CORPORA)]
    for group, rows in groups.items():
        lines = [
            [name, *(shown(rows[row][name]) for row in ROWS), meaning]
            for name, meaning in ALL_FIGURES.items()
            if any(isfinite(rows[row][name]) for row in ROWS)
        ]
        notes = tuple(f"{row}: {meaning}." for row, meaning in ROWS.items())
        title = f"{group}: all figures, {counts[group]} clips"
        tables.append(ReportTable(title, ["figure", *ROWS, "meaning"], lines, notes))
    return tables


def paper_table(
    title: str,
    ours: Sequence[tuple[str, int, Mapping[str, float]]],
    theirs: Sequence[PaperRow],
    extra: Mapping[str, tuple[str, str]] | None = None,
) -> ReportTable:
    """A table in the paper's form, without the columns in which nothing is known.

    Args:
        title: of the table.
        ours: name, number of clips, and figures of each of our rows.
        theirs: the paper's rows.
        extra: more columns, as `orate.evaluation.paper_figures.COLUMNS`.
    """
    columns = {**COLUMNS, **(extra or {})}
    rows = [
        [name, str(clips), *(_printed(figures.get(key), form) for key, (_, form) in columns.items())]
        for name, clips, figures in ours
    ]
    for row in theirs:
        mark = "" if row.source == QUOTED else f" {UNCHECKED}"
        rows.append([row.name + mark, "", *(row.figures.get(key, UNKNOWN) for key in columns)])
    headings = ["", "clips", *(heading for heading, _ in columns.values())]
    kept = [place for place in range(len(headings)) if place < 2 or any(row[place] != UNKNOWN for row in rows)]
    about = f"The paper's figures are as {QUOTED}; rows marked {UNCHECKED} are from memory and were not checked."
    cut = [[line[place] for place in kept] for line in (headings, *rows)]
    return ReportTable(title, cut[0], cut[1:], (about, *CAVEATS))


def photo_table(photos: Mapping[str, Any]) -> ReportTable:
    """The table of photos that speak, from what `orate evaluate` keeps of them."""
    names = list(photos["figures"])
    rows = [
        [video["photo"], video["speech"], *(shown(video[name]) for name in names)]
        for video in [*photos["videos"], {"photo": "mean", "speech": "", **photos["mean"]}]
    ]
    notes = tuple(f"{name}: {meaning}." for name, meaning in photos["figures"].items())
    return ReportTable("Photos", ["photo", "speech", *names], rows, notes)


def motion_tables(motion: Mapping[str, Any]) -> list[ReportTable]:
    """The tables of motion tracks, from what `orate evaluate` keeps of them."""
    names = list(motion["mean"])
    people = [
        [person["person"], str(person.get("tracks", "")), *(shown(person[name]) for name in names)]
        for person in [*motion["people"], {"person": "mean", **motion["mean"]}]
    ]
    movement = {name: row for name, row in motion["movement"].items() if isinstance(row, dict)}
    figures = next(iter(movement.values()), {})
    moving = [[name, *(shown(row[name]) for row in movement.values())] for name in figures]
    seconds = motion["movement"]["seconds"]
    return [
        ReportTable("Motion of held-out people", ["person", "tracks", *names], people),
        ReportTable(f"Movement over {seconds:.0f} s of held-out people", ["movement", *movement], moving),
    ]


def shown(value: float | None) -> str:
    """A figure as a word; what is only left of rounding is 0."""
    return _printed(0.0 if value is not None and abs(value) < ROUNDING else value, "{:.4g}")


def _printed(value: float | None, form: str) -> str:
    return UNKNOWN if value is None or not isfinite(value) else form.format(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
