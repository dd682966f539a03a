"""The refinement's training: it learns, it resumes to the same numbers, changes are made alike to all pictures."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from orate.corpora.mouth_pairs import MouthPairs, load_pairs
from orate.errors import OrateError
from orate.render.mouth_patch import HEIGHT, MASKS, WIDTH
from orate.training.refine_config import RefineAugment, RefineTraining, read_recipe
from orate.training.refine_data import PairOrder, make_batch, vary
from orate.training.refine_loss import picture_loss
from orate.training.refine_trainer import RefineTrainer

PLAIN = {"mirror": False, "turn_degrees": 0, "stretch": 0, "shift": 0, "gain": 0, "gamma": 0, "hue_degrees": 0}
PLAIN |= {"grey": 0, "tint": 0, "blur": 0}


def make_pairs(count: int = 6) -> MouthPairs:
    """Mouths drawn too dark by the same amount everywhere."""
    random = np.random.default_rng(0)
    own = np.full((count, HEIGHT, WIDTH, 3), [190, 140, 110], np.uint8)
    own[:, 30:42, 40:88] = [170, 95, 90]
    truth = own.copy()
    truth[:, 34:60, 45:83] = [120, 70, 60]
    drawn = truth.copy()
    drawn[:, 34:60, 45:83] = [60, 50, 55]
    for pictures in (own, truth, drawn):
        pictures += random.integers(0, 8, pictures.shape).astype(np.uint8)
    masks = np.zeros((count, MASKS, HEIGHT, WIDTH), np.uint8)
    masks[:, 0, 34:60, 45:83] = 255
    masks[:, 1, 30:64, 40:88] = 255
    masks[:, 3, 30:42, 40:88] = 255
    masks[:, 4, 70:90] = 255
    speakers = np.array(["a"] * (count - 1) + ["b"])
    return MouthPairs(drawn, truth, own, masks, np.ones(count, np.float32), speakers, np.array(["train"] * count))


def recipe(steps: int, **losses: float) -> RefineTraining:
    return RefineTraining.model_validate(
        {
            "model": {"channels": [4, 6], "inside": 1},
            "augment": PLAIN,
            "losses": {"adversarial_from": 2, **losses},
            "run": {"steps": steps, "batch_size": 4, "rate": 5e-3, "critic_channels": 2, "ema": 0.5, "bf16": False},
        }
    )


def test_it_learns_what_the_layers_draw_too_dark(tmp_path: Path) -> None:
    figures = []
    trainer = RefineTrainer(recipe(30, frame=0), make_pairs(), tmp_path)
    trainer.fit(lambda step, figure: figures.append(figure["picture"]))
    assert np.mean(figures[-3:]) < 0.7 * figures[0]


def test_a_run_in_two_parts_gives_the_numbers_of_one(tmp_path: Path) -> None:
    pairs = make_pairs()
    whole = RefineTrainer(recipe(4), pairs, tmp_path / "whole")
    whole.fit()

    def stop(step: int, figures: dict[str, float]) -> None:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    assert RefineTrainer(recipe(4), pairs, tmp_path / "parts").fit(stop) == signal.SIGTERM
    again = RefineTrainer(recipe(4), pairs, tmp_path / "parts")
    assert again.step == 3
    assert again.fit() is None
    for mine, theirs in zip(again.average.parameters(), whole.average.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_a_folder_of_another_recipe_is_refused(tmp_path: Path) -> None:
    RefineTrainer(recipe(0), make_pairs(), tmp_path)
    with pytest.raises(OrateError, match="another recipe"):
        RefineTrainer(recipe(1), make_pairs(), tmp_path)


def test_pictures_and_masks_are_varied_alike() -> None:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[30:50, 20:60] = 255
    masks = np.repeat(picture[None, ..., 0], MASKS, axis=0)
    augment = RefineAugment(gain=0, gamma=0, blur=0, hue_degrees=0, grey=0, tint=0)
    for seed in range(4):
        pictures, moved = vary([picture, picture], masks, augment, np.random.default_rng(seed))
        np.testing.assert_array_equal(*pictures)
        assert np.abs(pictures[0][..., 1].astype(int) - moved[2]).max() <= 2
        assert (moved[0] != masks[0]).any()


def test_colours_of_grey_pairs_agree() -> None:
    pairs = make_pairs(2)
    augment = RefineAugment(grey=1, tint=0)
    pictures, _ = vary([pairs.own[0]], pairs.masks[0], augment, np.random.default_rng(0))
    assert np.ptp(pictures[0].astype(int), axis=2).max() <= 1
    batch = make_batch(pairs, augment, np.random.default_rng(0))
    assert batch.chroma.max() < 0.3
    assert make_batch(pairs, None, np.random.default_rng(0)).chroma.min() == 1


def test_speakers_come_up_alike() -> None:
    pairs = make_pairs()
    drawn = PairOrder(pairs).draw(400, np.random.default_rng(0))
    assert 0.4 < (pairs.speaker[drawn] == "b").mean() < 0.6


def test_lips_count_more_than_skin_and_the_edge_not_at_all() -> None:
    losses = recipe(1).losses
    truth, lips = torch.zeros(1, 3, HEIGHT, WIDTH), torch.zeros(1, 1, HEIGHT, WIDTH)
    lips[..., 30:60, 40:88] = 1

    def of(rows: slice, columns: slice) -> float:
        made = truth.clone()
        made[..., rows, columns] = 0.1
        return float(picture_loss(made, truth, lips, torch.ones_like(lips), losses))

    assert of(slice(40, 48), slice(60, 68)) > 2 * of(slice(72, 80), slice(60, 68)) > 0
    assert of(slice(0, 1), slice(0, WIDTH)) < 1e-3


def test_pairs_come_back_from_their_file(tmp_path: Path) -> None:
    pairs = make_pairs(3)
    pairs.save(tmp_path / "pairs.npz")
    again = load_pairs(tmp_path / "pairs.npz")
    np.testing.assert_array_equal(again.drawn, pairs.drawn)
    assert list(again.speaker) == ["a", "a", "b"]
    (tmp_path / "other.npz").write_bytes(b"nothing")
    with pytest.raises(OrateError, match=r"other\.npz"):
        load_pairs(tmp_path / "other.npz")


def test_the_recipe_that_is_shipped_can_be_read_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    assert read_recipe().run.steps > 0
    (tmp_path / "wrong.yaml").write_text("losses: {l2: 1}", encoding="utf-8")
    with pytest.raises(OrateError, match=r"losses\.l2"):
        read_recipe(tmp_path / "wrong.yaml")
