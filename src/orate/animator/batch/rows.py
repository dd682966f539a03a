"""Rows of a batch: what is to be made of each line of the manifest, and under which name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orate.animator.batch.columns import DEFAULTS, FILES, INPUTS, OUTPUT, Value, parse
from orate.animator.batch.manifest import Cells
from orate.errors import OrateError

STATE_FOLDER = ".batch"
SUFFIXES = (".mp4", ".m4v", ".mov")  # those that `orate.media.video` writes
STEM_CHARACTERS_MAX = 60


@dataclass(frozen=True)
class Job:
    """A video to make; can be pickled.

    Attributes:
        number: of the row, from 1.
        photo: file.
        audio: file.
        folder: the batch's, absolute.
        name: of the output in it, with ``/``.
        options: of ``orate animate``, those that are not at their defaults.
    """

    number: int
    photo: Path
    audio: Path
    folder: Path
    name: str
    options: Mapping[str, Value] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        """Where the video goes."""
        return self.folder / self.name

    @property
    def files(self) -> dict[str, Path]:
        """Files that the video follows from, by column. A key is not looked into: it comes with a certificate."""
        named = {name: Path(str(self.options[name])) for name in FILES if self.options.get(name)}
        named.pop("private_key", None)
        return {"photo": self.photo, "audio": self.audio, **named}


@dataclass(frozen=True)
class Row:
    """A line of the manifest.

    Attributes:
        number: from 1.
        photo: as the manifest has it.
        audio: likewise.
        output: name in the batch's folder; empty where the row names none that will do.
        job: None where the row is wrong.
        error: why.
    """

    number: int
    photo: str
    audio: str
    output: str
    job: Job | None
    error: str = ""


def rows_of(
    manifest: Sequence[Cells], folder: Path, beside: Path, defaults: Mapping[str, Value] | None = None
) -> list[Row]:
    """What is to be done for each line.

    Args:
        manifest: see `orate.animator.batch.manifest.read_manifest`.
        folder: where the videos go.
        beside: the manifest's folder, to which its paths are relative.
        defaults: options of rows that do not say otherwise; their paths are absolute.
    """
    folder, beside = folder.absolute(), beside.absolute()
    taken: dict[str, int] = {}
    return [_row(number, cells, folder, beside, defaults or {}, taken) for number, cells in enumerate(manifest, 1)]


def part_of(rows: Sequence[Row], shard: tuple[int, int] = (1, 1), limit: int | None = None) -> list[Row]:
    """The rows of one of several machines, and of these the first ones.

    Args:
        rows: all of them.
        shard: which part, from 1, of how many.
        limit: how many at most.
    """
    index, count = shard
    return list(rows[index - 1 :: count][:limit])


def _row(
    number: int, cells: Cells, folder: Path, beside: Path, defaults: Mapping[str, Value], taken: dict[str, int]
) -> Row:
    said = {name: str(cells.get(name, "")) for name in (*INPUTS, OUTPUT)}
    try:
        name = _output(cells, number)
        _claim(name, number, folder, taken)
    except OrateError as error:
        return Row(number, said["photo"], said["audio"], "", None, str(error))
    try:
        photo, audio = (_input(cells, column, beside) for column in INPUTS)
        options = dict(defaults)
        for column, given in cells.items():
            if column in DEFAULTS:
                options[column] = _placed(column, parse(column, given), beside)
        changed = {column: value for column, value in sorted(options.items()) if value != DEFAULTS[column]}
        return Row(number, said["photo"], said["audio"], name, Job(number, photo, audio, folder, name, changed))
    except OrateError as error:
        return Row(number, said["photo"], said["audio"], name, None, str(error))


def _input(cells: Cells, column: str, beside: Path) -> Path:
    given = cells.get(column)
    if not isinstance(given, str):
        raise OrateError(f"The row names no {column}.")
    return beside / given


def _placed(column: str, value: Value, beside: Path) -> Value:
    """Paths as seen from here; a model's is one where there is such a folder."""
    if isinstance(value, str) and (column in FILES or (column == "model" and _is_folder(beside / value))):
        return str(beside / value)
    return value


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _output(cells: Cells, number: int) -> str:
    given = cells.get(OUTPUT)
    if given is None:
        stems = [_stem(cells.get(column)) for column in INPUTS]
        return "-".join([f"{number:04d}", *filter(None, stems)]) + SUFFIXES[0]
    if not isinstance(given, str):
        raise OrateError(f"output must be text, not {given!r}.")
    name = given.replace("\\", "/")
    return name if Path(name).suffix.lower() in SUFFIXES else name + SUFFIXES[0]


def _stem(given: object) -> str:
    stem = Path(given.replace("\\", "/")).stem if isinstance(given, str) else ""
    return re.sub(r"[^\w.+-]+", "_", stem)[:STEM_CHARACTERS_MAX]


def _claim(name: str, number: int, folder: Path, taken: dict[str, int]) -> None:
    """Take a name for a row.

    Raises:
        OrateError: it leads out of the folder, into the batch's own, or another row has it.
    """
    path = Path(name)
    if not name.isprintable():
        raise OrateError(f"The output {name!r} holds characters that cannot be printed.")
    try:
        leaves = (
            path.is_absolute() or ".." in path.parts or not (folder / path).resolve().is_relative_to(folder.resolve())
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise OrateError(f"The output {name!r} is no name of a file.") from error
    if leaves:
        raise OrateError(f"The output {name} would leave the folder {folder}: give a name in it.")
    if path.parts[0].casefold() == STATE_FOLDER:
        raise OrateError(f"The output {name} would lie in {STATE_FOLDER}, where the batch keeps its own files.")
    # some file systems do not tell capital letters from small ones
    if (first := taken.setdefault(path.as_posix().casefold(), number)) != number:
        raise OrateError(f"Row {first} has the output {name} too: give each row its own.")
