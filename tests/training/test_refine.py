"""The refinement's training: it learns, it resumes to the same numbers, changes are made alike to all pictures."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from orate.corpora.mouth_pairs import WINDOW, MouthPairs, load_pairs
from orate.errors import OrateError
from orate.models.refiner import REFINER_FILE, load_refiner
from orate.render.mouth_patch import HEIGHT, MASKS, WIDTH
from orate.training.refine_config import RefineAugment, RefineTraining, is_refiner_file, load_refine_config
from orate.training.refine_data import PairOrder, Variation, make_batch
from orate.training.refine_gan import RefineGan
from orate.training.refine_loss import picture_loss
from orate.training.refine_perceptual import PerceptualLoss
from orate.training.refine_trainer import train_refiner
from orate.training.refine_validation import RefineValidation, patch_figures

PLAIN = {"mirror": False, "turn_degrees": 0, "stretch": 0, "shift": 0, "gain": 0, "gamma": 0, "hue_degrees": 0}
PLAIN |= {"grey": 0, "tint": 0, "blur": 0}
FRAMES = 7


def make_pairs(runs: int = 3) -> MouthPairs:
    """Mouths drawn too dark by the same amount everywhere; all runs but the last are of one speaker."""
    random = np.random.default_rng(0)
    count = runs * FRAMES
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
    sound = random.integers(-999, 999, (count, WINDOW)).astype(np.int16)
    run = np.repeat(np.arange(runs), FRAMES).astype(np.int32)
    speakers = np.where(run < runs - 1, "a", "b")
    splits = np.array(["train"] * count)
    return MouthPairs(drawn, truth, own, masks, np.ones(count, np.float32), sound, run, speakers, splits)


def recipe(steps: int, adversarial_from: int = 2, **losses: float) -> RefineTraining:
    return RefineTraining.model_validate(
        {
            "model": {"channels": [4, 6], "inside": 1},
            "augment": PLAIN,
            "losses": losses,
            "critics": {"channels": 2, "code": 4, "r1_every": 2},
            "pairs": {"frames": 7},
            "run": {
                "steps": steps,
                "adversarial_from": adversarial_from,
                "batch_size": 4,
                "clips": 2,
                "clip_frames": 7,
                "rate": 5e-3,
                "ema": 0.5,
                "validate_every": 2,
            },
        }
    )


def small_vgg() -> PerceptualLoss:
    random = torch.Generator().manual_seed(0)
    shapes = [[(4, 3)], [(5, 4)]]
    weights = [[(torch.randn(o, i, 3, 3, generator=random), torch.zeros(o)) for o, i in block] for block in shapes]
    return PerceptualLoss(weights)


def test_it_learns_what_the_layers_draw_too_dark(tmp_path: Path) -> None:
    figures = []
    gan = RefineGan(recipe(30), make_pairs())
    train_refiner(gan, tmp_path, lambda step, steps, figure: figures.append(figure["picture"]))
    assert np.mean(figures[-3:]) < 0.7 * figures[0]
    net = load_refiner(tmp_path / "model" / REFINER_FILE)
    validation = RefineValidation(make_pairs())
    assert validation(net)["b/lips"] < 0.8 * validation.layers()["b/lips"]


def test_a_run_in_two_parts_gives_the_numbers_of_one(tmp_path: Path) -> None:
    pairs, config = make_pairs(), recipe(4, frame=0.01, sequence=0.01, sync=0.01, perceptual=0.1)

    def new() -> RefineGan:
        return RefineGan(config, pairs, perceptual=small_vgg())

    whole, told = new(), []
    assert train_refiner(whole, tmp_path / "whole", lambda step, steps, figures: told.append(set(figures))) is None
    assert told[1] == {"picture", "perceptual"}
    critics = {f"{side}/{name}" for side in ("critic", "generator") for name in ("frame", "sequence", "sync")}
    assert told[2] == {"picture", "perceptual", *critics}

    def stop(step: int, steps: int, figures: dict[str, float]) -> None:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train_refiner(new(), tmp_path / "parts", stop) == signal.SIGTERM
    steps: list[int] = []
    again = new()
    assert train_refiner(again, tmp_path / "parts", lambda step, _, figures: steps.append(step)) is None
    assert steps == [4]
    for name in ("average", "critics"):
        for mine, theirs in zip(getattr(again, name).parameters(), getattr(whole, name).parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_the_discriminators_change_what_is_learned_and_learn_themselves() -> None:
    pairs = make_pairs()
    alone, joint = (RefineGan(recipe(2, 0, **losses), pairs) for losses in ({}, {"frame": 1.0, "sync": 1.0}))
    before = {name: value.clone() for name, value in joint.critics.state_dict().items()}
    for gan in (alone, joint):
        gan.step(0)
    assert set(joint.critics) == {"frame", "sync"}
    assert any((before[name] != value).any() for name, value in joint.critics.state_dict().items())
    assert (joint.net.leave.weight != alone.net.leave.weight).any()


def test_a_folder_of_another_recipe_is_refused(tmp_path: Path) -> None:
    pairs = make_pairs()
    train_refiner(RefineGan(recipe(0), pairs), tmp_path)
    with pytest.raises(OrateError, match="another recipe"):
        train_refiner(RefineGan(recipe(1), pairs), tmp_path)


def test_pictures_and_masks_are_varied_alike() -> None:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[30:50, 20:60] = 255
    masks = np.repeat(picture[None, ..., 0], MASKS, axis=0)
    augment = RefineAugment(gain=0, gamma=0, blur=0, hue_degrees=0, grey=0, tint=0)
    for seed in range(4):
        change = Variation(augment, (HEIGHT, WIDTH), np.random.default_rng(seed))
        moved = change.masks(masks)
        assert np.abs(change.picture(picture)[..., 1].astype(int) - moved[2]).max() <= 2
        assert (moved[0] != masks[0]).any()


def test_a_clip_is_varied_alike_in_all_its_frames() -> None:
    pairs = make_pairs(2)
    pairs = pairs.chosen(np.repeat([0, FRAMES], FRAMES))  # the first frames of two runs, standing still
    planes = make_batch(pairs, RefineAugment(), np.random.default_rng(0), FRAMES).planes.unflatten(0, (2, FRAMES))
    assert (planes == planes[:, :1]).all()
    assert (planes[0] != planes[1]).any()
    alone = make_batch(pairs, RefineAugment(), np.random.default_rng(0), 1).planes
    assert (alone[1] != alone[0]).any()


def test_colours_of_grey_pairs_agree() -> None:
    pairs = make_pairs(2)
    augment = RefineAugment(grey=1, tint=0)
    picture = Variation(augment, (HEIGHT, WIDTH), np.random.default_rng(0)).picture(pairs.own[0])
    assert np.ptp(picture.astype(int), axis=2).max() <= 1
    batch = make_batch(pairs, augment, np.random.default_rng(0))
    assert batch.chroma.max() < 0.3
    assert make_batch(pairs, None, np.random.default_rng(0)).chroma.min() == 1


def test_speakers_come_up_alike_and_runs_stay_whole() -> None:
    pairs = make_pairs()
    order, random = PairOrder(pairs, 5), np.random.default_rng(0)
    assert 0.4 < (pairs.speaker[order.draw(400, random)] == "b").mean() < 0.6
    places = order.draw_runs(200, 5, random).reshape(200, 5)
    assert 0.35 < (pairs.speaker[places[:, 0]] == "b").mean() < 0.65
    assert (np.diff(places, axis=1) == 1).all()
    assert (pairs.run[places] == pairs.run[places[:, :1]]).all()


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


def test_the_perceptual_loss_is_zero_for_the_truth_and_grows() -> None:
    loss, truth = small_vgg(), 0.2 * torch.randn(2, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
    lips = torch.ones(2, 1, HEIGHT, WIDTH)
    near, far = (float(loss(truth + size, truth, lips, 4.0)) for size in (0.02, 0.2))
    assert float(loss(truth, truth, lips, 4.0)) == 0
    assert 0 < near < far


def test_figures_of_the_truth_and_of_flicker() -> None:
    pairs = make_pairs(1)
    exact = patch_figures(pairs, pairs.truth)
    assert exact["lips"] == exact["flicker"] == 0
    assert exact["sharpness"] == exact["movement"] == 1
    trembling = pairs.truth.astype(int)
    trembling[::2] += 6
    figures = patch_figures(pairs, trembling.astype(np.uint8))
    assert figures["flicker"] == pytest.approx(6)
    assert figures["movement"] > 1.2


def test_pairs_come_back_from_their_file(tmp_path: Path) -> None:
    pairs = make_pairs(2)
    pairs.save(tmp_path / "pairs.npz")
    again = load_pairs(tmp_path / "pairs.npz")
    np.testing.assert_array_equal(again.drawn, pairs.drawn)
    assert list(again.speaker) == ["a"] * FRAMES + ["b"] * FRAMES
    (tmp_path / "other.npz").write_bytes(b"nothing")
    with pytest.raises(OrateError, match=r"other\.npz"):
        load_pairs(tmp_path / "other.npz")


def test_the_recipe_that_is_shipped_can_be_read_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    assert load_refine_config(None, ["run.steps=7"]).run.steps == 7
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("kind: refiner\nlosses: {l2: 1}", encoding="utf-8")
    assert is_refiner_file(wrong)
    assert not is_refiner_file(tmp_path / "missing.yaml")
    with pytest.raises(OrateError, match=r"losses\.l2"):
        load_refine_config(wrong)
