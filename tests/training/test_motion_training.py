import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from orate.errors import OrateError
from orate.models.motion_config import MotionConfig
from orate.models.motion_generator import MotionGenerator
from orate.training.motion_config import MotionTrainConfig, load_motion_config
from orate.training.motion_data import MotionBatches, MotionItem
from orate.training.motion_sway import smoothed, smoothed_tracks
from orate.training.motion_trainer import train_motion

MODEL = MotionConfig(channels=16, dilations=(1, 2), content_code=16, decoder_channels=16)
CONFIG = MotionTrainConfig(model=MODEL, steps=6, batch_size=3, adversarial_from=0.4, save_every=0)


def prepare(generator: MotionGenerator) -> list[MotionItem]:
    random = np.random.default_rng(0)
    generator.basis.copy_(torch.from_numpy(random.normal(0, 0.1, generator.basis.shape).astype(np.float32)))
    groups = ("tracks", "grid", "rest")
    return [
        MotionItem(
            group,
            f"{group}{number}",
            random.normal(size=(110, 40)).astype(np.float32),
            (random.normal(size=(110, 2, 384)).astype(np.float16),),
            random.normal(size=12).astype(np.float32),
        )
        for group in groups
        for number in range(3)
    ]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "motion.safetensors")


def test_a_stopped_run_reaches_the_same_weights(tmp_path):
    assert train_motion(CONFIG, prepare, tmp_path / "whole") is None

    def stop(step: int, steps: int, figures: dict[str, float]) -> None:
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train_motion(CONFIG, prepare, tmp_path / "parts", stop) == signal.SIGTERM
    assert train_motion(CONFIG, prepare, tmp_path / "parts") is None
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_another_recipe_is_refused(tmp_path):
    train_motion(CONFIG.model_copy(update={"steps": 1}), prepare, tmp_path)
    with pytest.raises(OrateError, match="another config"):
        train_motion(CONFIG, prepare, tmp_path)


def test_the_mouth_is_learned(tmp_path):
    figures = []
    config = CONFIG.model_copy(update={"steps": 120, "adversarial_from": 1.0, "learning_rate": 2e-2})

    def constant(generator: MotionGenerator) -> list[MotionItem]:
        items = prepare(generator)
        for item in items:
            item.values[:] = 1.0
        return items

    train_motion(config, constant, tmp_path, lambda step, steps, got: figures.append(got["lips_cm"]))
    assert np.mean(figures[-5:]) < 0.6 * np.mean(figures[:5])


def test_head_and_brows_learn_from_their_critic(tmp_path):
    figures: list[dict[str, float]] = []

    def swaying(generator: MotionGenerator) -> list[MotionItem]:
        generator.sway[0] = 0.8 * torch.eye(13)
        generator.sway_innovation.copy_(0.6 * torch.eye(13))
        return prepare(generator)

    config = CONFIG.model_copy(update={"adversarial_from": 0.0})
    train_motion(config, swaying, tmp_path, lambda step, steps, got: figures.append(got))
    assert {"generator/sway", "generator/sequence", "generator/sync", "moments"} <= set(figures[0])
    learned = weights(tmp_path)["motion_decoder.sway_out.bias"]
    torch.manual_seed(CONFIG.seed)
    assert not torch.equal(learned, MotionGenerator(MODEL).motion_decoder.sway_out.bias.half())


def test_batches_come_from_the_step_alone():
    items = prepare(MotionGenerator(MODEL))
    shares = {"tracks": 0.5, "grid": 0.4, "rest": 0.1}
    first, again = (MotionBatches(items, shares, 4, 0).draw(7) for _ in range(2))
    other = MotionBatches(items, shares, 4, 0).draw(8)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert first[0].shape != other[0].shape or not torch.equal(first[0], other[0])


def test_config_is_read_and_checked(tmp_path):
    assert load_motion_config().batch_size == 48
    path = tmp_path / "a.yaml"
    path.write_text("stepps: 3\n")
    with pytest.raises(OrateError, match="stepps"):
        load_motion_config(path)


def test_batches_are_smoothed_as_stretches_are():
    values = np.random.default_rng(0).normal(size=(2, 40, 3))
    made = smoothed_tracks(torch.from_numpy(values))
    assert made.numpy() == pytest.approx(np.stack([smoothed(one) for one in values]), abs=1e-9)
