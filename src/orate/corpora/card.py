"""The dataset card of a prepared folder: README.md with plots, and croissant.json.

Nothing in it depends on when or where it was written: the same clips give the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from orate.corpora.card_text import MARK, description, licences, markdown, sources, title
from orate.corpora.contact_sheet import contact_sheet, png
from orate.corpora.croissant import CROISSANT_NAME, croissant
from orate.corpora.plots import available, plots
from orate.corpora.report import Report
from orate.corpora.shards import INDEX_NAME, write_atomically
from orate.errors import OrateError

CARD_NAME = "README.md"
PLOTS_FOLDER = "plots"
SHEET_NAME = "faces.png"


def write_card(folder: Path, report: Report, command: str = "") -> None:
    """Write the card beside index.json, which must be there.

    A README.md that does not begin with `MARK`, for someone has taken it over, is left as it is.

    Args:
        folder: the prepared folder.
        report: what became of its clips.
        command: what a person typed to prepare it; empty where nobody did.

    Raises:
        OrateError: the card cannot be written.
    """
    index = report.index
    index_bytes = (folder / INDEX_NAME).read_bytes()
    metadata = croissant(index, index_bytes, title(index), description(report), licences(index), sources(index))
    write_atomically(folder / CROISSANT_NAME, metadata)
    pictures = _write_pictures(folder, report)
    card = folder / CARD_NAME
    if not card.exists() or card.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        write_atomically(card, markdown(report, command, pictures, plotted=available()).encode())


def _write_pictures(folder: Path, report: Report) -> list[tuple[str, str]]:
    """Write the contact sheet and the plots; returns their paths in the folder and what they show."""
    where = folder / PLOTS_FOLDER
    try:
        where.mkdir(exist_ok=True)
    except OSError as error:
        raise OrateError(f"Cannot create {where}: {error.strerror}.") from error
    written = []
    sheet = contact_sheet(folder, report.index)
    if sheet is not None:
        write_atomically(where / SHEET_NAME, png(sheet[0]))
        speakers = list(dict.fromkeys(sample.speaker for sample in sheet[1]))
        written.append((f"{PLOTS_FOLDER}/{SHEET_NAME}", f"First frames of clips of {', '.join(speakers)}"))
    for name, caption, data in plots(report) if available() else ():
        write_atomically(where / name, data)
        written.append((f"{PLOTS_FOLDER}/{name}", caption))
    return written
