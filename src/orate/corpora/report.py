"""What became of every clip: kept, or dropped and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict
from rich.table import Table

from orate.corpora.cleaning.figures import OffsetState
from orate.corpora.cleaning.reasons import DropReason
from orate.corpora.shards import Index, Sample, to_json, write_atomically

REPORT_NAME = "report.json"
NAMES_SHOWN = 3
ROWS_SHOWN = 12  # of corpora, speakers or emotions; more are summed up in one


class DroppedClip(BaseModel):
    """A clip that is not in the shards."""

    model_config = ConfigDict(frozen=True)
    key: str
    source: str
    reason: str
    detail: str


class Report(BaseModel):
    """The result of preparation."""

    model_config = ConfigDict(frozen=True)
    index: Index
    dropped: list[DroppedClip]

    def summary(self) -> dict[str, Any]:
        """Counts and names, as report.json has them."""
        samples = self.index.samples
        psnr = np.array([sample.psnr_db for sample in samples]) if samples else np.zeros(1)
        return {
            "clips": len(samples) + len(self.dropped),
            "kept": len(samples),
            "kept_seconds": round(sum(sample.frames for sample in samples) / self.index.fps, 2),
            "kept_by_corpus": self._by_split(lambda sample: sample.corpus),
            "kept_by_speaker": self._by_split(lambda sample: sample.speaker),
            "kept_by_emotion": self._by_split(lambda sample: sample.emotion),
            "dropped": len(self.dropped),
            "dropped_by_reason": self._by_reason(),
            "dropped_clips": [clip.model_dump() for clip in self.dropped],
            "offsets": self._offsets(),
            "crop_psnr_db": {"mean": round(float(psnr.mean()), 2), "lowest": round(float(psnr.min()), 2)},
            "bytes": sum(shard.bytes for shard in self.index.shards),
        }

    def _by_split(self, name: Callable[[Sample], str]) -> dict[str, dict[str, int]]:
        """Kept clips by a name and by split; those without a name are left out."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for sample in self.index.samples:
            if name(sample):
                counts[name(sample)][sample.split] += 1
        return {key: dict(sorted(splits.items())) for key, splits in sorted(counts.items())}

    def _by_reason(self) -> dict[str, int]:
        """Dropped clips by reason, 0 for reasons that were looked for and not found."""
        samples, counts = self.index.samples, Counter(clip.reason for clip in self.dropped)
        idle: set[str] = {DropReason.CRASHED}
        if not any(sample.voiced >= 0 for sample in samples):
            idle |= {DropReason.SILENCE, DropReason.OFF_SCREEN}
        if not any(sample.offset for sample in samples):
            idle |= {DropReason.OFFSET}
        counts.update({str(reason): 0 for reason in DropReason if reason not in idle})
        return dict(sorted(counts.items()))

    def _offsets(self) -> dict[str, Any]:
        """What became of the audio-visual offsets of the kept clips; empty where none was measured."""
        states = Counter(sample.offset for sample in self.index.samples if sample.offset)
        if not states:
            return {}
        moved = [sample.offset_s for sample in self.index.samples if sample.offset == OffsetState.CORRECTED]
        counts = {str(state): states[state] for state in OffsetState if state}
        return {**counts, "corrected_s": _quantiles(moved)} if moved else counts

    def save(self, folder: Path) -> None:
        """Write report.json."""
        write_atomically(folder / REPORT_NAME, to_json(self.summary()))

    def table(self) -> Table:
        """The same for people."""
        summary = self.summary()
        minutes = summary["kept_seconds"] / 60
        table = Table(title=f"{summary['kept']} of {summary['clips']} clips kept, {minutes:.1f} min")
        table.add_column("what")
        table.add_column("clips", justify="right")
        table.add_column("which")
        for what in ("corpus", "speaker", "emotion"):
            for row in _rows(what, summary[f"kept_by_{what}"]):
                table.add_row(*row)
        for reason, count in summary["dropped_by_reason"].items():
            if not count:
                continue
            clips = [clip for clip in self.dropped if clip.reason == reason]
            names = [f"{clip.key} ({clip.detail})" if clip.detail else clip.key for clip in clips[:NAMES_SHOWN]]
            table.add_row(f"dropped: {reason}", str(count), "; ".join(names) + (" ..." if count > NAMES_SHOWN else ""))
        for state in (state for state in OffsetState if state and summary["offsets"].get(state)):
            spread = summary["offsets"].get("corrected_s") if state is OffsetState.CORRECTED else None
            shown = f"by {spread['least']:+.2f} to {spread['most']:+.2f} s" if spread else ""
            table.add_row(f"sound: {state}", str(summary["offsets"][state]), shown)
        psnr = summary["crop_psnr_db"]
        table.caption = (
            f"stored crops: {psnr['mean']} dB on average, {psnr['lowest']} dB at worst; all names: {REPORT_NAME}"
        )
        return table


def _rows(what: str, counts: dict[str, dict[str, int]]) -> Iterator[tuple[str, str, str]]:
    """Rows of the table for kept clips by a name: one a name, or all in one where there are many."""
    if what == "corpus" and len(counts) < 2:
        return
    if len(counts) <= ROWS_SHOWN:
        for name, splits in counts.items():
            yield f"kept: {name}", str(sum(splits.values())), _parts(splits)
        return
    each = sorted(sum(splits.values()) for splits in counts.values())
    total: Counter[str] = Counter()
    for splits in counts.values():
        total.update(splits)
    yield f"kept: {len(counts)} {what}s", str(sum(each)), f"{_parts(total)}; {each[0]} to {each[-1]} each"


def _parts(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {split}" for split, count in sorted(splits.items()))


def _quantiles(values: list[float]) -> dict[str, float]:
    return {
        "least": round(min(values), 3),
        "median": round(float(np.median(values)), 3),
        "most": round(max(values), 3),
    }
