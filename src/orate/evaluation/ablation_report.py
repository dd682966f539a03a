"""Measuring the rows of an ablation, and its table beside the paper's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from orate.corpora.dataset import ClipDataset
from orate.errors import OrateError
from orate.evaluation.ablation import NAMES, ROWS, AblationPlan
from orate.evaluation.clip_record import ClipFigures
from orate.evaluation.generators import load_clip_generator
from orate.evaluation.instruments import Instruments
from orate.evaluation.paper_figures import ABLATION
from orate.evaluation.report import ALL_FIGURES, CEILING, FLOOR, MODEL, ClipEvaluation, finite, summary
from orate.evaluation.report_files import write_report
from orate.evaluation.report_folder import ReportFolder, measured_clips
from orate.evaluation.report_tables import ReportTable, paper_table
from orate.evaluation.resumable import data_identity, model_identity
from orate.training.validation import spread

REPORT_FOLDER = "report"
FIGURES_FILE, TABLE_FILE = "ablation.json", "ablation.md"
# Beyond the paper's columns: what tells whether the mouth listens.
EXTRA = {
    "l1": ("L1", "{:.4f}"),
    "mouth_correlation": ("mouth correlation", "{:.3f}"),
    "mouth_range": ("mouth range", "{:.2f}"),
    "mouth_lmd": ("mouth LMD", "{:.4f}"),
    "faces_found": ("faces found", "{:.2f}"),
    "seed_difference": ("seed difference", "{:.4f}"),
}


def measure_row(
    plan: AblationPlan,
    folder: Path,
    row: str,
    instruments: Instruments,
    progress: Callable[[int, int], None] | None = None,
) -> list[ClipFigures]:
    """Measure a trained row on validation clips, and write its report; clips that are kept are not measured again.

    Args:
        plan: the ablation.
        folder: its folder; the row's report is in ``ROW/report``.
        row: one of `ROWS`.
        instruments: networks to measure with.
        progress: called with clips done and clips in all.

    Raises:
        OrateError: the row is not trained, there are no clips, or they were measured with other instruments.
    """
    model = str(plan.model(folder, row))
    generator = load_clip_generator(model, plan.device)
    clips = ClipDataset(plan.data, "validation", generator.audio_rate)
    if not len(clips):
        raise OrateError("The prepared folders hold no validation clips to measure on: prepare more.")
    told = {
        "model": model_identity(model),
        "data": data_identity(plan.data),
        "set of figures": sorted(ALL_FIGURES),
        "set of measuring networks": instruments.names,
    }
    report = ReportFolder(folder / row / REPORT_FOLDER, told)
    indices = spread(len(clips), plan.clips)
    kept = []
    for clip in measured_clips(ClipEvaluation(generator, clips, instruments), indices, report):
        kept.append(clip)
        if progress:
            progress(len(kept), len(indices))
    figures = [clip.figures for clip in kept]
    missing = {"row": row, "not_measured": list(instruments.missing)}
    write_report(report.folder, f"Ablation: {NAMES[row]}", missing, kept)
    return figures


def ablation_table(measured: dict[str, list[ClipFigures]], steps: int) -> ReportTable:
    """The table beside the paper's; ceiling and floor are those of the first row's clips, the same in all.

    Args:
        measured: clips by row, in any order.
        steps: of each row.
    """
    rows = [row for row in ROWS if row in measured]
    ours = [(NAMES[row], len(measured[row]), summary(measured[row], MODEL)) for row in rows]
    first = measured[rows[0]]
    ours += [(f"{name} (no model)", len(first), summary(first, name)) for name in (CEILING, FLOOR)]
    return paper_table(f"Ablation, {steps} steps a row", ours, [ABLATION[row] for row in rows], EXTRA)


def ablation_json(plan: AblationPlan, measured: dict[str, list[ClipFigures]]) -> dict[str, Any]:
    """All figures of all rows, ready for JSON."""
    return {
        "steps": plan.steps,
        "listening_steps": plan.listening_steps,
        "settings": list(plan.settings),
        "rows": {
            row: {"name": NAMES[row], "clips": len(clips), **finite(summary(clips, MODEL))}
            for row, clips in measured.items()
        },
        "figures": ALL_FIGURES,
    }
