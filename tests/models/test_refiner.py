"""The refinement's network, its file, its engines, and what it does to a canvas."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from orate.errors import OrateError
from orate.models.engines.refiner_engine import Refiner, compile_refiner
from orate.models.refiner import REFINER_FILE, RefinerConfig, RefinerNet, load_refiner, refined, save_refiner
from orate.render.head import load_head
from orate.render.mouth_patch import HEIGHT, OPENING, PLANES, WIDTH, MouthPatch, network_planes
from orate.render.pose import HeadPose, fit_pose
from orate.render.source import FaceSource


def painted_source(height: int, width: int, scale: float) -> FaceSource:
    """The generic head's face, seen from the front, in a picture of noise."""
    noise = np.random.default_rng(0).integers(60, 200, (height, width, 3)).astype(np.uint8)
    turn = np.diag([1.0, -1.0, -1.0])  # head axes to image axes
    landmarks = HeadPose(scale, turn, np.array([width / 2, height / 2, 0.0])).project(load_head().landmarks)
    pose = fit_pose(landmarks)
    shape = pose.unproject(landmarks)
    return FaceSource(
        cv2.GaussianBlur(noise, (0, 0), 3), landmarks, np.zeros(52, np.float32), pose, shape, shape.copy()
    )


@pytest.fixture
def net() -> RefinerNet:
    torch.manual_seed(0)
    net = RefinerNet(RefinerConfig(channels=(4, 6)))
    torch.nn.init.normal_(net.leave.weight, 0, 0.3)
    return net.eval()


def test_an_untrained_network_adds_nothing() -> None:
    planes = torch.randn(2, PLANES, HEIGHT, WIDTH)
    assert not RefinerNet(RefinerConfig(channels=(4, 6)))(planes).any()


def test_the_residual_is_bounded_and_of_the_patch_size(net: RefinerNet) -> None:
    planes = 100 * torch.randn(2, PLANES, HEIGHT, WIDTH)
    planes[:, 6:] = planes[:, 6:].sigmoid()
    with torch.no_grad():
        residual = net(planes)
    assert residual.shape == (2, 3, HEIGHT, WIDTH)
    assert residual.abs().max() <= net.config.limit


def test_the_inside_of_the_mouth_is_left_to_its_layer(net: RefinerNet) -> None:
    planes = torch.randn(1, PLANES, HEIGHT, WIDTH)
    planes[:, OPENING] = 0
    planes[:, OPENING, 40:60, 50:80] = 1
    with torch.no_grad():
        residual = net(planes)[0].abs().amax(0)
    assert not residual[41:59, 51:79].any()
    assert residual[:38].mean() > 0


def test_the_file_brings_the_network_back(net: RefinerNet, tmp_path: Path) -> None:
    save_refiner(net, tmp_path / "refiner.safetensors", {"steps": "3"})
    again = load_refiner(tmp_path / "refiner.safetensors")
    assert again.config == net.config
    planes = torch.randn(1, PLANES, HEIGHT, WIDTH)
    with torch.no_grad():
        assert (again(planes) - net(planes)).abs().max() < 0.01


def test_damaged_and_missing_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "damaged.safetensors").write_bytes(b"no weights")
    for name in ("damaged.safetensors", "missing.safetensors"):
        with pytest.raises(OrateError, match=name):
            load_refiner(tmp_path / name)


def test_the_engines_agree(net: RefinerNet) -> None:
    planes = np.random.default_rng(0).normal(0, 0.3, (PLANES, HEIGHT, WIDTH)).astype(np.float32)
    expected = compile_refiner(net, "torch")(planes)
    assert np.abs(compile_refiner(net, precision="f32")(planes) - expected).max() < 0.002
    assert np.abs(compile_refiner(net)(planes) - expected).mean() < 0.01
    assert np.abs(expected).mean() > 0.05


def test_the_photo_s_own_landmarks_leave_it_as_it_is(net: RefinerNet) -> None:
    source = painted_source(300, 320, 9.0)
    refiner = Refiner(source, compile_refiner(net, "torch"))
    canvas = source.photo.copy()
    assert refiner(canvas, source.landmarks[:, :2]) == (0, 0, 0, 0)
    np.testing.assert_array_equal(canvas, source.photo)


def test_a_canvas_is_refined_as_in_training(net: RefinerNet) -> None:
    source = painted_source(400, 420, 12.0)  # the patch's own scale: nothing is resampled
    target = source.landmarks[:, :2].copy()
    target[[14, 17, 87, 317, 84, 314], 1] += 8
    patch = MouthPatch(source)
    canvas = source.photo.copy()
    box = Refiner(source, compile_refiner(net, "torch"))(canvas, target)
    assert box == patch.box
    planes = torch.from_numpy(network_planes(patch.tone, patch.own, patch.own, patch.masks(target)))[None]
    with torch.no_grad():
        made = refined(net, planes, torch.tensor([patch.tone.chroma]), torch.ones(1))[0].numpy()
    expected = patch.own + patch.tone.levels(made - planes[0, :3].numpy())
    inside = np.s_[12:-12, 12:-12]
    difference = patch.cut(canvas)[inside].astype(float) - np.clip(expected, 0, 255)[inside]
    assert np.abs(difference).mean() < 2
    assert np.abs(canvas.astype(int) - source.photo).max() > 10


def test_the_bundled_network_is_small_gentle_and_leaves_grey_grey() -> None:
    path = Path(str(resources.files("orate") / "weights" / "default" / REFINER_FILE))
    assert path.stat().st_size < 4_000_000
    source = painted_source(300, 320, 9.0)
    grey = np.repeat(source.photo.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    source = replace(source, photo=grey)
    target = source.landmarks[:, :2].copy()
    target[[14, 17, 87, 317, 84, 314], 1] += 8
    canvas = grey.copy()
    Refiner(source, compile_refiner(load_refiner(path)))(canvas, target)
    assert np.ptp(canvas.astype(int), axis=2).max() <= 1
    changed = np.abs(canvas.astype(int) - grey)
    assert 4 < changed.max() <= 0.3 * grey.max()
