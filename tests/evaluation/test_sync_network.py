import json

import numpy as np
import pytest
import torch
from speaking_mouths import RATE, SAMPLES_PER_FRAME, SayingClips, mouth_clip, mouth_corpus

from orate.errors import OrateError
from orate.evaluation.mouth_clips import MouthClips
from orate.evaluation.sync_metric import SyncMeter, figures_of
from orate.evaluation.sync_network import SyncConfig, SyncNet, load_sync_network, save_sync_network, sync_spectra
from orate.evaluation.sync_training import SYNC_RECIPE, SyncRecipe, SyncTask, choice_loss
from orate.training.supervised_config import read_recipe
from orate.training.supervised_trainer import SupervisedTrainer

TINY = {"picture_channels": [4, 8, 8], "sound_channels": [4, 8, 8], "hidden": 16, "embedding": 8, "dropout": 0}


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A small sync network that has learned from six synthetic clips, and the figures of its last validation."""
    folder = tmp_path_factory.mktemp("sync")
    clips = mouth_corpus(folder)
    parts = (MouthClips(SayingClips(clips, split, RATE), folder / "clips") for split in ("train", "validation"))
    run = {"steps": 40, "batch_size": 6, "learning_rate": 1e-2, "warm_up": 5, "ema": 0.8, "precision": "fp32"}
    recipe = SyncRecipe.model_validate({"model": TINY, "clip_frames": 50, "vary": 0.2, "run": run})
    figures = {}
    trainer = SupervisedTrainer(SyncTask(recipe, *parts), recipe, recipe.run, folder / "run")
    assert trainer.fit(lambda step, steps, new: figures.update(new)) is None
    return load_sync_network(folder / "run" / "model"), figures


def test_windows_see_five_frames_and_their_sound():
    torch.manual_seed(0)
    net = SyncNet(SyncConfig.model_validate(TINY)).eval()
    mouths, sounds = torch.randn(1, 1, 30, 40, 56), torch.randn(1, 80, 120)
    seen, heard = net.embed_pictures(mouths), net.embed_sounds(sounds)
    assert seen.shape == heard.shape == (1, 26, 8)
    mouths[:, :, 15] += 1
    sounds[:, :, 60:64] += 1
    for before, after in ((seen, net.embed_pictures(mouths)), (heard, net.embed_sounds(sounds))):
        changed = ((after - before).abs().amax((0, 2)) > 1e-6).nonzero().flatten()
        assert changed.tolist() == [11, 12, 13, 14, 15]
        torch.testing.assert_close(after.norm(dim=-1), torch.ones(1, 26))


def test_sound_is_fitted_to_the_frames_and_its_loudness_does_not_matter():
    sound = torch.from_numpy(mouth_clip("a", 0).audio)[None]
    spectra = sync_spectra(sound, 50)
    assert spectra.shape == (1, 80, 200)
    torch.testing.assert_close(sync_spectra(sound / 4, 50), spectra, atol=1e-3, rtol=0)
    assert sync_spectra(sound, 60).shape == (1, 80, 240)


def test_offset_confidence_and_distance_are_those_of_the_definition():
    distances = np.full((40, 40), 1.2)
    for mouth in range(37):
        distances[mouth, mouth + 3] = 0.5
    figures = figures_of(distances)
    assert figures.offset == 3
    assert figures.distance == pytest.approx(0.5)
    assert figures.confidence == pytest.approx(0.7)
    assert figures_of(distances.T).offset == -3


def test_it_learns_which_sound_belongs_to_a_mouth(taught):
    _, figures = taught
    assert figures["right"] > 0.3  # of 46 windows; by chance 0.02
    assert figures["within_1/s1"] == figures["within_1/unseen"] == 1


@pytest.mark.parametrize("shift", [-9, -4, 0, 5, 12])
def test_a_shift_of_n_frames_is_reported_as_n(taught, shift):
    clip = mouth_clip("held", 200, 75)
    samples = abs(shift) * SAMPLES_PER_FRAME
    silence = np.zeros(samples, np.float32)
    audio = np.concatenate([silence, clip.audio] if shift >= 0 else [clip.audio[samples:], silence])
    figures = SyncMeter(taught[0])(clip.frames, audio)
    assert figures.offset == shift
    assert figures.confidence > 0.1


def test_another_clips_sound_agrees_less(taught):
    meter, clip, other = SyncMeter(taught[0]), mouth_clip("held", 200, 75), mouth_clip("other", 201, 75)
    own, strange = meter(clip.frames, clip.audio), meter(clip.frames, other.audio)
    assert own.confidence > strange.confidence
    assert own.distance < strange.distance


def test_what_cannot_be_measured_is_told(taught):
    meter, clip = SyncMeter(taught[0]), mouth_clip("short", 0, 20)
    with pytest.raises(OrateError, match="too short"):
        meter(clip.frames, clip.audio)
    with pytest.raises(OrateError, match="25 frames a second"):
        meter(clip.frames, clip.audio, fps=30)


def test_neighbours_are_left_out_of_the_choice_at_first():
    embeddings = torch.nn.functional.normalize(torch.randn(2, 20, 4, generator=torch.Generator().manual_seed(0)), dim=2)
    blurred = (embeddings + embeddings.roll(1, 1)) / 2  # as near to the neighbour as to itself
    near, right = choice_loss(blurred, embeddings, torch.tensor(3.0), 1)
    far, _ = choice_loss(blurred, embeddings, torch.tensor(3.0), 3)
    assert far < near - 0.3
    assert 0 <= right <= 1


def test_weights_come_back_and_damage_is_told(tmp_path):
    net = SyncNet(SyncConfig.model_validate(TINY)).eval()
    save_sync_network(net, tmp_path / "net", {"steps": 3})
    again = load_sync_network(tmp_path / "net")
    mouths = torch.randn(1, 1, 8, 40, 56)
    torch.testing.assert_close(again.embed_pictures(mouths), net.embed_pictures(mouths), atol=5e-3, rtol=0)
    config = json.loads((tmp_path / "net" / "config.json").read_text())
    (tmp_path / "net" / "config.json").write_text(json.dumps({**config, "hidden": 17}))
    with pytest.raises(OrateError, match="checksum"):
        load_sync_network(tmp_path / "net")
    (tmp_path / "net" / "SHA256SUMS").unlink()
    with pytest.raises(OrateError, match="do not fit"):
        load_sync_network(tmp_path / "net")


def test_the_recipe_that_is_shipped_can_be_read():
    recipe = read_recipe(SyncRecipe, SYNC_RECIPE, ["run.steps=7"])
    assert recipe.run.steps == 7
    assert SyncNet(recipe.model)
