"""How well the sync network and the lip reader measure: figures on held-out real clips, for their cards.

    python tools/measure_instruments.py --data shards --data unseen

Sync network: share of clips whose offset is found within one frame as they are and with the sound moved by some frames,
LSE-C and LSE-D. Lip reader: word error rate with GRID's grammar and greedy, and errors by the place of the word.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from orate.corpora.dataset import ClipDataset
from orate.evaluation.grid_grammar import greedy_text, likely_sentence
from orate.evaluation.lip_reader import LipReader, load_lip_reader
from orate.evaluation.report import compressed
from orate.evaluation.sync_metric import SyncFigures, SyncMeter
from orate.evaluation.sync_network import load_sync_network
from orate.evaluation.wer import word_error_rate
from orate.training.validation import pictures

RATE_HZ = 16_000
SHIFTS = (-7, -3, 4, 10)  # frames
SLOTS = ("command", "colour", "preposition", "letter", "digit", "adverb")
Clip = tuple[NDArray[np.uint8], NDArray[np.float32], str]


def main() -> None:
    """Read the arguments, measure, print a table for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--sync-network", type=Path, help="a folder; by default the network of the package")
    parser.add_argument("--lip-reader", type=Path, help="a folder; by default the network of the package")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clips = ClipDataset(arguments.data, "validation", RATE_HZ)
    groups: dict[str, list[int]] = {}
    for index in range(len(clips)):
        sample = clips.sample(index)
        groups.setdefault("unseen" if sample.unseen_speaker else sample.speaker, []).append(index)
    _report_sync(SyncMeter(load_sync_network(arguments.sync_network)), clips, groups)
    _report_lips(LipReader(load_lip_reader(arguments.lip_reader)), clips, groups)


def _report_sync(meter: SyncMeter, clips: ClipDataset, groups: dict[str, list[int]]) -> None:
    moved_heading = " ".join(f"{shift:+d}" for shift in SHIFTS)
    print(
        "| group | clips | within 1 frame | exact | moved by",
        moved_heading,
        "| LSE-C | LSE-D | other clip's sound | CRF 18 |",
    )
    print("|---" * 9 + "|")
    for group, members in groups.items():
        loaded = list(_loaded(clips, members))
        real = [meter(frames, audio) for frames, audio, _ in loaded]
        moved = [
            abs(meter(frames, _moved(audio, shift, clips.fps)).offset - shift) <= 1
            for frames, audio, _ in loaded
            for shift in SHIFTS
        ]
        strange = [meter(clip[0], other[1]) for clip, other in zip(loaded, loaded[1:] + loaded[:1], strict=True)]
        coded = [meter(compressed(frames, clips.fps), audio) for frames, audio, _ in loaded]
        exact = np.mean([clip.offset == 0 for clip in real])
        print(
            f"| {group} | {len(real)} | {_within(real):.1%} | {exact:.1%} | {np.mean(moved):.1%} | {_pair(real)} | "
            f"{_pair(strange, ' / ')} | {_pair(coded, ' / ')} |"
        )


def _report_lips(reader: LipReader, clips: ClipDataset, groups: dict[str, list[int]]) -> None:
    print("\n| group | sentences | WER | greedy |", " | ".join(SLOTS), "|")
    print("|---" * (4 + len(SLOTS)) + "|")
    for group, members in groups.items():
        loaded = [clip for clip in _loaded(clips, members) if clip[2]]
        outputs = [reader.logarithms(frames) for frames, _, _ in loaded]
        truth, read = [text for _, _, text in loaded], [likely_sentence(output) for output in outputs]
        greedy = word_error_rate(truth, [greedy_text(output) for output in outputs])
        words = [
            [_word(text, place) != _word(other, place) for text, other in zip(truth, read, strict=True)]
            for place in range(len(SLOTS))
        ]
        slots = " | ".join(f"{np.mean(wrong):.1%}" for wrong in words)
        print(f"| {group} | {len(truth)} | {word_error_rate(truth, read):.1%} | {greedy:.1%} | {slots} |")


def _loaded(clips: ClipDataset, members: list[int]) -> Iterator[Clip]:
    for index in members:
        item = clips[index]
        yield pictures(item["video"]), item["audio"].numpy(), str(clips.meta(index).get("transcript") or "")


def _moved(audio: NDArray[np.float32], frames: int, fps: float) -> NDArray[np.float32]:
    """The sound that many frames later (earlier where negative), as long as before."""
    samples = round(abs(frames) * RATE_HZ / fps)
    silence = np.zeros(samples, np.float32)
    return np.concatenate([silence, audio[:-samples]] if frames > 0 else [audio[samples:], silence])


def _within(clips: list[SyncFigures]) -> float:
    return float(np.mean([abs(clip.offset) <= 1 for clip in clips]))


def _pair(clips: list[SyncFigures], between: str = " | ") -> str:
    confidence = np.mean([clip.confidence for clip in clips])
    return f"{confidence:.3f}{between}{np.mean([clip.distance for clip in clips]):.3f}"


def _word(sentence: str, place: int) -> str:
    words = sentence.split()
    return words[place] if place < len(words) else ""


if __name__ == "__main__":
    main()
