"""Make src/orate/weights/default/speech_means.safetensors: mean rows of the speech encoder by position.

    python tools/measure_speech_means.py SOUND_OR_VIDEO ...

The sounds are shuffled and joined; windows begin anywhere, so at each position the mean is over all kinds of sound.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from orate.media.audio import read_audio
from orate.models.engines.speech_engine import OpenVinoSpeechEngine, SpeechEngine
from orate.models.speech_encoder import (
    FRAME_ROWS,
    FRAME_SAMPLES,
    POSITIONS,
    ROW_SAMPLES,
    SILENCE_SAMPLES,
    load_speech_encoder,
)
from orate.models.speech_features import RATE_HZ, log_mel
from orate.models.speech_means import means_path
from orate.models.speech_stream import WINDOWS

STEP_SAMPLES = 5 * RATE_HZ + 1237  # between the beginnings of windows; no multiple of a clip's length


def whole_means(engine: SpeechEngine, sound: NDArray[np.float32], starts: range) -> torch.Tensor:
    """(1500, 384): over windows of 30 s, each ending in half a second of silence as clips do."""
    rows = []
    for start in starts:
        window = sound[start : start + POSITIONS * ROW_SAMPLES].copy()
        window[-SILENCE_SAMPLES:] = 0
        rows.append(engine.encode(log_mel(torch.from_numpy(window))))
    means = torch.from_numpy(np.mean(rows, axis=0))
    silent = SILENCE_SAMPLES // ROW_SAMPLES
    means[-silent:] = means[-2 * silent : -silent]  # the mean of speech, not of the silence behind it
    return means


def streaming_means(engine: SpeechEngine, sound: NDArray[np.float32], starts: range) -> torch.Tensor:
    """(154, 384): over the first 3.2 s after each start."""
    size = WINDOWS["streaming"]
    total = np.zeros((FRAME_ROWS * (size.past + size.hop), 384))
    counts = np.zeros((len(total), 1))
    for begin in starts:
        for frame in range(0, size.past + 2 * size.hop, size.hop):
            start = max(0, frame - size.past)
            end = frame + size.hop + size.future
            window = np.zeros(size.length * FRAME_SAMPLES, np.float32)
            heard = sound[begin + start * FRAME_SAMPLES : begin + end * FRAME_SAMPLES]
            window[: len(heard)] = heard
            first = FRAME_ROWS * (frame - start)
            wanted = slice(first, first + FRAME_ROWS * size.hop)
            total[wanted] += engine.encode(log_mel(torch.from_numpy(window)))[wanted]
            counts[wanted] += 1
    return torch.from_numpy(total / counts)


def main() -> None:
    """Read the arguments, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, default=means_path())
    given = parser.parse_args()
    order = np.random.default_rng(0).permutation(len(given.sounds))
    sound = np.concatenate([read_audio(given.sounds[index], RATE_HZ) for index in order])
    engine = OpenVinoSpeechEngine(load_speech_encoder())
    starts = range(0, len(sound) - POSITIONS * ROW_SAMPLES, STEP_SAMPLES)
    means = {"whole": whole_means(engine, sound, starts), "streaming": streaming_means(engine, sound, starts[::3])}
    data = f"{len(given.sounds)} clips of GRID s1, s4 (CC BY 4.0) and LJSpeech (public domain), {len(starts)} windows"
    metadata = {"data": data, "made_by": "tools/measure_speech_means.py"}
    given.output.write_bytes(save({name: value.half().contiguous() for name, value in means.items()}, metadata))
    print(f"{given.output}: {data}, {given.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
