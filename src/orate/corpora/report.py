"""What became of every clip: kept, or dropped and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict
from rich.table import Table

from orate.corpora.shards import Index, to_json, write_atomically

REPORT_NAME = "report.json"
NAMES_SHOWN = 3


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
        speakers: dict[str, Counter[str]] = defaultdict(Counter)
        for sample in samples:
            speakers[sample.speaker][sample.split] += 1
        return {
            "clips": len(samples) + len(self.dropped),
            "kept": len(samples),
            "kept_seconds": round(sum(sample.frames for sample in samples) / self.index.fps, 2),
            "kept_by_speaker": {speaker: dict(sorted(splits.items())) for speaker, splits in sorted(speakers.items())},
            "dropped": len(self.dropped),
            "dropped_by_reason": dict(sorted(Counter(clip.reason for clip in self.dropped).items())),
            "dropped_clips": [clip.model_dump() for clip in self.dropped],
            "crop_psnr_db": {"mean": round(float(psnr.mean()), 2), "lowest": round(float(psnr.min()), 2)},
            "bytes": sum(shard.bytes for shard in self.index.shards),
        }

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
        for speaker, splits in summary["kept_by_speaker"].items():
            parts = ", ".join(f"{count} {split}" for split, count in splits.items())
            table.add_row(f"kept: {speaker}", str(sum(splits.values())), parts)
        for reason, count in summary["dropped_by_reason"].items():
            clips = [clip for clip in self.dropped if clip.reason == reason]
            names = [f"{clip.key} ({clip.detail})" if clip.detail else clip.key for clip in clips]
            shown = "; ".join(names[:NAMES_SHOWN])
            table.add_row(f"dropped: {reason}", str(count), shown + (" ..." if count > NAMES_SHOWN else ""))
        psnr = summary["crop_psnr_db"]
        table.caption = (
            f"stored crops: {psnr['mean']} dB on average, {psnr['lowest']} dB at worst; all names: {REPORT_NAME}"
        )
        return table
