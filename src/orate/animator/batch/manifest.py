"""The manifest of a batch: CSV with a header, or JSON Lines; a row for each video."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

from orate.animator.batch.columns import DEFAULTS, INPUTS, OUTPUT
from orate.errors import OrateError
from orate.media.files import check_input, input_error

DELIMITERS = ",;\t"

Cells = dict[str, Any]
"""Columns of one row by name, those that say nothing left out: text from CSV, JSON's values from JSON Lines."""


def read_manifest(path: str | Path) -> list[Cells]:
    """The rows of a manifest, in order.

    CSV is separated by commas, semicolons or tabs; empty lines are passed over. Names of columns may be written as on
    the command line, with hyphens.

    Args:
        path: of the file, UTF-8.

    Raises:
        OrateError: no such file, no rows, a line that cannot be read, a missing or unknown column.
    """
    path = Path(path)
    try:
        text = check_input(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise input_error(path, error) from error
    except UnicodeDecodeError as error:
        raise OrateError(f"{path} is no text in UTF-8: save the manifest as CSV in UTF-8, or as JSON Lines.") from error
    rows = _json_lines(text, path) if text.lstrip().startswith("{") else _csv(text, path)
    if not rows:
        raise OrateError(f"{path} has no rows: give one for each video, with the columns photo and audio.")
    return rows


def _csv(text: str, path: Path) -> list[Cells]:
    header = text.lstrip("\r\n").partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(DELIMITERS, key=header.count), strict=True)
    rows: list[Cells] = []
    names: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = _checked([_name(cell) for cell in cells], path)
                continue
            if len(cells) > len(names):
                raise OrateError(
                    f"{path}, line {reader.line_num}, has {len(cells)} cells but the header {len(names)}: put text "
                    "with commas in double quotes."
                )
            rows.append({name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()})
    except csv.Error as error:
        raise OrateError(f"{path}, line {reader.line_num}, cannot be read as CSV: {error}.") from error
    return rows


def _json_lines(text: str, path: Path) -> list[Cells]:
    rows: list[Cells] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            read = json.loads(line)
        except ValueError as error:
            raise OrateError(f"{path}, line {number}, cannot be read as JSON: {error}.") from error
        if not isinstance(read, dict):
            raise OrateError(f'{path}, line {number}, is no object such as {{"photo": "a.jpg", "audio": "a.wav"}}.')
        cells = dict(zip(_checked([_name(name) for name in read], path, number), read.values(), strict=True))
        rows.append({name: value for name, value in cells.items() if value is not None and value != ""})
    return rows


def _name(cell: str) -> str:
    return cell.strip().removeprefix("--").lower().replace("-", "_")


def _checked(names: list[str], path: Path, line: int | None = None) -> list[str]:
    where = str(path) if line is None else f"{path}, line {line},"
    known = [*INPUTS, OUTPUT, *DEFAULTS]
    for name in names:
        if name not in known:
            raise OrateError(f"{where} has an unknown column {name!r}; known are {', '.join(known)}.")
        if names.count(name) > 1:
            raise OrateError(f"{where} has the column {name!r} twice.")
    if line is None and (missing := [name for name in INPUTS if name not in names]):
        raise OrateError(
            f"{path} has no column {missing[0]!r}: a manifest is CSV with a header that names photo and audio, or JSON "
            "Lines."
        )
    return names
