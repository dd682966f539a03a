"""What preparation's checks say of clips that are known to be good, and of their sound when it is moved.

    python tools/measure_cleaning.py --data shards --data unseen --every 8

For each speaker (people of no training together as "unseen"): false drops by voices, mouths and cuts, false duplicates;
what becomes of the audio-visual offset as it is; the share of moved sounds that are found within half a frame and
within one frame of what they were moved by, and how often a sure offset is wrong by more than 1.5 frames. The same of
pieces of 29 frames, as LRW's clips are, and with the sound of the next clip.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import soxr
from numpy.typing import NDArray

from orate.corpora.cleaning.continuity import check_continuity
from orate.corpora.cleaning.duplicates import DuplicateFinder, fingerprint
from orate.corpora.cleaning.mouth import check_mouth
from orate.corpora.cleaning.offset import Constancy, settle
from orate.corpora.cleaning.reasons import Dropped
from orate.corpora.cleaning.voice import check_voice, find_voice
from orate.corpora.codec import decode_array, decode_audio, decode_video
from orate.corpora.shards import Sample, read_index, read_member
from orate.evaluation.clip_offset import SyncOffsetMeter, load_meter, reading_of

RATE_HZ, FPS = 16_000, 25
SHIFTS = (-10, -7.5, -4, -2, 2, 4.5, 7, 10)  # frames
SHORT = 29  # frames
Sound = NDArray[np.float32]


def main() -> None:
    """Read the arguments, measure, print a block for each group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--every", type=int, default=1, help="take every n-th clip of large groups")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    groups: dict[str, list[tuple[Path, Sample]]] = {}
    for folder in arguments.data:
        for sample in read_index(folder).samples:
            groups.setdefault("unseen" if sample.unseen_speaker else sample.speaker, []).append((folder, sample))
    for group, members in groups.items():
        few = members[:: arguments.every] if len(members) > 50 else members
        _report(group, list(_read(few)))


def _read(members: list[tuple[Path, Sample]]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.generic], Sound]]:
    for folder, sample in members:
        audio, rate = decode_audio(read_member(folder, sample, "flac"))
        landmarks = decode_array(read_member(folder, sample, "npz"), "landmarks")
        frames = decode_video(read_member(folder, sample, "mp4"))
        yield frames, landmarks, np.asarray(soxr.resample(audio, rate, RATE_HZ), np.float32)


def _report(group: str, clips: list[tuple[NDArray[np.uint8], NDArray[np.generic], Sound]]) -> None:
    meter, finder = load_meter(), DuplicateFinder()
    drops: Counter[str] = Counter()
    states: Counter[str] = Counter()
    pieces: Counter[str] = Counter()
    strange: Counter[str] = Counter()
    whole_shifts: list[float] = []
    short_shifts: list[float] = []
    for number, (frames, landmarks, sound) in enumerate(clips):
        drops[_dropped(frames, landmarks, sound)] += 1
        drops["duplicate"] += finder.find(str(number), fingerprint(frames, sound, RATE_HZ)) is not None
        start = reading_of(meter.distances(frames, sound))
        states[_state(meter, frames, sound)] += 1
        whole_shifts += [_error(meter, frames, sound, shift, start.offset_s) for shift in SHIFTS]
        strange[_state(meter, frames, clips[(number + 1) % len(clips)][2])] += 1
        for first in range(0, len(frames) - SHORT + 1, 15):
            part = frames[first : first + SHORT]
            heard = sound[first * RATE_HZ // FPS : (first + SHORT) * RATE_HZ // FPS]
            pieces[_state(meter, part, heard)] += 1
            short_shifts += [_error(meter, part, heard, shift, start.offset_s) for shift in SHIFTS[2::3]]
    print(f"{group}: {len(clips)} clips")
    print("  dropped:", {name: count for name, count in drops.items() if name and count} or "none")
    print("  offset:", dict(states), "| with another clip's sound:", dict(strange))
    print("  sound moved:", _found(whole_shifts))
    print(f"  {SHORT} frames:", dict(pieces), "| sound moved:", _found(short_shifts))


def _dropped(frames: NDArray[np.uint8], landmarks: NDArray[np.generic], sound: Sound) -> str:
    try:
        voice = find_voice(sound, RATE_HZ)
        check_voice(voice, 0.1)
        check_mouth(landmarks.astype(np.float64), voice.frames(len(frames), FPS))
        check_continuity(frames)
    except Dropped as drop:
        return str(drop.reason)
    return ""


def _state(meter: SyncOffsetMeter, frames: NDArray[np.uint8], sound: Sound) -> str:
    try:
        return str(settle(reading_of(meter.distances(frames, sound)))[0])
    except Dropped as drop:
        return str(drop.reason)


def _error(meter: SyncOffsetMeter, frames: NDArray[np.uint8], sound: Sound, shift: float, start_s: float) -> float:
    """Frames by which a sure reading of the moved sound is wrong; NaN where it is not sure."""
    samples = round(abs(shift) * RATE_HZ / FPS)
    silence = np.zeros(samples, np.float32)
    moved = np.concatenate([silence, sound[:-samples]] if shift > 0 else [sound[samples:], silence])
    reading = reading_of(meter.distances(frames, moved))
    return (reading.offset_s - start_s) * FPS - shift if reading.constancy is Constancy.SURE else float("nan")


def _found(errors: list[float]) -> str:
    wrong = np.abs(np.array(errors or [np.nan]))
    return (
        f"within half a frame {np.mean(wrong <= 0.5):.1%}, within one {np.mean(wrong <= 1):.1%}, "
        f"not sure {np.isnan(wrong).mean():.1%}, sure and wrong {np.mean(wrong > 1.5):.1%} of {len(errors)}"
    )


if __name__ == "__main__":
    main()
