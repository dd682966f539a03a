"""The three networks of MediaPipe's FaceLandmarker, shipped with the package and run by OpenVINO on the CPU."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from orate import openvino_core
from orate.errors import OrateError

NETWORKS = ("face_detector", "face_landmarks_detector", "face_blendshapes")
INPUT_SHAPES = {
    "face_detector": [1, 128, 128, 3],
    "face_landmarks_detector": [1, 256, 256, 3],
    "face_blendshapes": [1, 146, 2],
}


def data_folder() -> Path:
    """The folder with the networks and their checksums."""
    return Path(str(resources.files("orate.face") / "data"))


def checked_file(folder: Path, file_name: str) -> Path:
    """The path of a shipped file, after comparing it with ``SHA256SUMS``; OrateError when it is missing or differs."""
    path = folder / file_name
    try:
        lines = (folder / "SHA256SUMS").read_text(encoding="ascii").split("\n")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise OrateError(f"{path} cannot be read ({error.strerror}): install orate again.") from error
    expected = {name: recorded for recorded, name in (line.split() for line in lines if line.strip())}
    if expected.get(file_name) != digest:
        raise OrateError(
            f"{path} is damaged (its checksum differs from the one it was shipped with): install orate again."
        )
    return path


class Network:
    """One compiled network: float32 arrays in, float32 arrays out; calls from several threads take turns."""

    def __init__(self, core: openvino.Core, path: Path, shape: list[int], threads: int):
        model = core.read_model(str(path))
        model.reshape(shape)
        # Float32 and a fixed number of threads: the same picture gives the same landmarks on every run.
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()
        self._outputs = len(model.outputs)
        self._lock = threading.Lock()

    def __call__(self, tensor: np.ndarray) -> list[np.ndarray]:
        """Run once on ``tensor`` (the network's input shape, float32); one new array per output, in order."""
        with self._lock:
            self._request.infer({0: np.ascontiguousarray(tensor, np.float32)})
            return [self._request.get_output_tensor(index).data.copy() for index in range(self._outputs)]


def load_networks(threads: int, folder: Path | None = None) -> dict[str, Network]:
    """All three networks by name; OrateError when a file is missing or damaged."""
    source = folder or data_folder()
    core = openvino_core()

    def load(name: str) -> Network:
        return Network(core, checked_file(source, f"{name}.tflite"), INPUT_SHAPES[name], threads)

    with ThreadPoolExecutor(len(NETWORKS)) as pool:
        return dict(zip(NETWORKS, pool.map(load, NETWORKS), strict=True))
