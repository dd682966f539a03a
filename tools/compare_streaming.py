"""How well the lips follow held-out clips when the whole sound is there, and when it comes as a stream.

    python tools/compare_streaming.py MODEL SHARDS ...

Correlation of the lips' gap with the measured one, clip by clip, without drawing pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orate.corpora.clip import VALIDATION
from orate.corpora.grid_tracks import read_grid_track
from orate.corpora.motion_tracks import lip_gap, person_neutrals
from orate.corpora.shards import read_index
from orate.evaluation.mouth_opening import correlation
from orate.models.checkpoint import find_model
from orate.models.engines.speech_engine import speech_engine
from orate.models.layered import LayeredModel, load_layered
from orate.models.motion_session import MotionSession
from orate.training.motion_speech import SpeechEncodings

WAYS = ("whole", "stream")


def gaps(model: LayeredModel, rest: NDArray[np.float32], speech: NDArray[np.float32]) -> NDArray[np.float64]:
    """The generated gap of the lips, (T,) cm."""
    session = MotionSession(model.motion, rest, blinks_per_minute=0)
    parts = (session.push(speech), session.finish())
    return np.concatenate([lip_gap(rest + session.expression(p.coefficients)) for p in parts]).astype(np.float64)


def main() -> None:
    """Read the arguments, print a line for each speaker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("shards", type=Path, nargs="+")
    given = parser.parse_args()
    model = load_layered(find_model(given.model))
    encodings = SpeechEncodings(speech_engine(model.speech))
    found: dict[str, dict[str, list[float]]] = {}
    for folder in given.shards:
        samples = [sample for sample in read_index(folder).samples if sample.split == VALIDATION]
        tracks = [read_grid_track(folder, sample, encodings.plain) for sample in samples]
        neutrals = person_neutrals(tracks)
        for sample, track in zip(samples, tracks, strict=True):
            group = found.setdefault("unseen" if sample.unseen_speaker else sample.speaker, {way: [] for way in WAYS})
            true = lip_gap(track.shape).astype(np.float64)
            for way, speech in zip(WAYS, track.speech, strict=True):
                group[way].append(correlation(gaps(model, neutrals[track.person], speech), true))
    print(f"{'speaker':10}{'clips':>8}" + "".join(f"{way:>10}" for way in (*WAYS, "loss")))
    for name, ways in sorted(found.items()):
        whole, stream = (float(np.mean(ways[way])) for way in WAYS)
        print(f"{name:10}{len(ways['whole']):8}{whole:10.3f}{stream:10.3f}{whole - stream:10.3f}")


if __name__ == "__main__":
    main()
