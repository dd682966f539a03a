"""A table in which people say themselves who speaks in their videos, in which split, what, and how."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orate.corpora.splits import SPLIT_NAMES
from orate.errors import OrateError

METADATA_NAME = "metadata.csv"
COLUMNS = ("path", "speaker", "split", "transcript", "emotion")


@dataclass(frozen=True)
class Told:
    """What a line of the table says of a video; an empty cell says nothing."""

    speaker: str = ""
    split: str = ""
    transcript: str = ""
    emotion: str = ""


def read_metadata(path: Path, source: Path) -> Mapping[str, Told]:
    """Lines of a CSV file by the video's path in SOURCE, with / between folders.

    Columns: path, and any of speaker, split (train, validation, test), transcript, emotion. A path is written from
    SOURCE. Videos that are not in the table are taken all the same.

    Raises:
        OrateError: it cannot be read, has other columns or splits, names a video that is not there, or one twice.
    """
    try:
        rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise OrateError(f"Cannot read the table {path}: give a CSV file in UTF-8 with the column path.") from error
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    if "path" not in names or (unknown := sorted(set(names) - set(COLUMNS))):
        wrong = f"the unknown column {unknown[0]}" if "path" in names else "no column path"
        raise OrateError(f"The table {path} has {wrong}: its first line may name {', '.join(COLUMNS)}.")
    table: dict[str, Told] = {}
    for row in rows:
        cells = {str(name).strip().lower(): (value or "").strip() for name, value in row.items() if name}
        video = PurePosixPath(cells["path"].replace("\\", "/")).as_posix()
        if not (source / video).is_file():
            raise OrateError(f"Line {rows.line_num} of {path} names {video}, which is not in {source}: mend the path.")
        if video in table:
            raise OrateError(f"Line {rows.line_num} of {path} names {video} a second time: leave one line out.")
        split = SPLIT_NAMES.get(cells.get("split", "").lower(), "")
        if cells.get("split") and not split:
            raise OrateError(
                f"Line {rows.line_num} of {path} has the split {cells['split']}: use train, validation or test."
            )
        table[video] = Told(
            cells.get("speaker", ""), split, cells.get("transcript", ""), cells.get("emotion", "").lower()
        )
    return table
