"""Writing a report: JSON, a Markdown table, a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orate.evaluation.report_folder import FIGURES_FILE, PAGE_FILE, TABLE_FILE, KeptClip
from orate.evaluation.report_html import report_page
from orate.evaluation.report_tables import ReportTable, clip_tables, motion_tables, photo_table
from orate.evaluation.resumable import write_json
from orate.media.files import whole_file


def write_report(folder: Path, title: str, report: dict[str, Any], clips: list[KeptClip]) -> None:
    """Write ``report.json``, ``report.md`` and ``index.html``, each whole or not at all.

    Args:
        folder: of the report.
        title: what was measured.
        report: what `orate evaluate` measured, ready for JSON.
        clips: measured clips with their files, none where there were only photos or motion.

    Raises:
        OrateError: the folder is not writable, the disk is full.
    """
    notes = tuple(f"Not measured: {sentence}" for sentence in report.get("not_measured", ()))
    tables: list[ReportTable] = clip_tables([clip.figures for clip in clips]) if clips else []
    tables += [photo_table(report["photos"])] if "photos" in report else []
    tables += motion_tables(report["motion"]) if "motion" in report else []
    write_json(folder / FIGURES_FILE, report)
    lines = [f"# {title}", *notes, *(table.markdown() for table in tables)]
    _write(folder / TABLE_FILE, "\n\n".join(lines))
    _write(folder / PAGE_FILE, report_page(title, clips, tables, notes))


def _write(path: Path, text: str) -> None:
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
