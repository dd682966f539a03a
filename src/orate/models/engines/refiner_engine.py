"""The refinement on a photo: the network run by OpenVINO (or PyTorch), its residual laid over the drawn mouth."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Literal

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray

from orate import openvino_core
from orate.models.engines.conversion import to_openvino
from orate.models.refiner import RefinerNet
from orate.render.mouth_patch import HEIGHT, PLANES, WIDTH, Box, Floats, MouthPatch, network_planes
from orate.render.source import FaceSource

Network = Callable[[Floats], Floats]
NOTHING: Box = (0, 0, 0, 0)


def compile_refiner(
    net: RefinerNet, engine: Literal["openvino", "torch"] = "openvino", precision: Literal["auto", "f32"] = "auto"
) -> Network:
    """Make the network ready: planes (PLANES, HEIGHT, WIDTH) to a residual (3, HEIGHT, WIDTH), in fp32.

    It has run once, so that the first frame takes as long as any other; calls from several threads wait for each
    other. One thread: a second does not make so small a network faster.

    Args:
        net: the network.
        engine: OpenVINO is the fastest on CPUs; PyTorch is the reference.
        precision: of OpenVINO: ``auto`` takes bf16 where the processor has instructions for it, at two thirds of the
            time, and a tenth of a grey level away from fp32 on the trained network.
    """
    net = net.eval()
    if engine == "torch":
        return lambda planes: _infer(net, planes)  # nothing is put off to its first run
    model = to_openvino(net, (torch.zeros(1, PLANES, HEIGHT // 4, WIDTH // 4),))  # a quarter is sooner traced
    model.reshape({0: ov.PartialShape([1, PLANES, HEIGHT, WIDTH])})
    core = openvino_core()
    fast = precision == "auto" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if fast else "f32",
        "INFERENCE_NUM_THREADS": "1",
        "ENABLE_CPU_PINNING": "NO",  # other programs are at work on the same cores
    }
    request = core.compile_model(model, "CPU", options).create_infer_request()
    lock = Lock()

    def run(planes: Floats) -> Floats:
        with lock:
            request.infer([planes[None]])
            residual: Floats = request.get_output_tensor(0).data[0].copy()
        return residual

    run(np.zeros((PLANES, HEIGHT, WIDTH), np.float32))
    return run


def _infer(net: RefinerNet, planes: Floats) -> Floats:
    with torch.inference_mode():
        residual: Floats = net(torch.from_numpy(planes)[None])[0].numpy()
    return residual


class Refiner:
    """The refinement of one photo's frames, called after the mouth's layer and before the head turns.

    Keeps nothing of a frame: it serves any number of videos, in several threads too.

    Args:
        source: the photo.
        network: from `compile_refiner`; serves any number of photos.

    Attributes:
        box: (x0, y0, x1, y1) px, the part of the photo that it may change.
    """

    def __init__(self, source: FaceSource, network: Network) -> None:
        self._patch, self._network = MouthPatch(source), network
        self.box: Box = self._patch.box

    def __call__(self, canvas: NDArray[np.uint8], target: NDArray[np.floating]) -> Box:
        """Refine the mouth that the layers drew.

        Args:
            canvas: (H, W, 3) uint8 RGB, the photo's size, changed in place.
            target: (478, 2) px, the frame's landmarks.

        Returns:
            The box (x0, y0, x1, y1) outside of which nothing changed; empty where the lips are the photo's own.
        """
        stirred = self._patch.stirred(target)
        x0, y0, x1, y1 = self._patch.box
        if stirred <= 0 or x0 >= x1 or y0 >= y1:
            return NOTHING
        planes = network_planes(self._patch.tone, self._patch.cut(canvas), self._patch.own, self._patch.masks(target))
        self._patch.add(canvas, self._network(np.ascontiguousarray(planes, np.float32)), stirred)
        return self._patch.box
