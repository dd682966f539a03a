"""`orate train default-motion`: from prepared clips to a model that `orate` loads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from synthetic_corpus import speaking_clip, write_corpus
from typer.testing import CliRunner

from orate.cli.main import app
from orate.corpora.motion_tracks import INNER_LIP_PAIRS
from orate.errors import OrateError
from orate.models.motion_config import MotionConfig
from orate.models.motion_generator import load_motion
from orate.render.head import load_head
from orate.training.motion_cache import cached_tracks
from orate.training.motion_config import MotionTrainConfig, load_motion_config
from orate.training.motion_run import run_motion

RECIPE = """
kind: motion
steps: 3
batch_size: 2
varieties: 1
rest_stretches: 2
validate_every: 2
adversarial_from: 0.4
model: {channels: 16, dilations: [1], content_code: 16, decoder_channels: 16, look_ahead: 1}
"""


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    """Two speakers' heads of the mean shape, whose lips part as the sound is loud."""
    clips = []
    for number, (speaker, split) in enumerate(
        (("s1", "train"), ("s4", "train"), ("s1", "train"), ("s1", "validation"))
    ):
        clip = speaking_clip(f"{speaker}_{number}", number, 34, speaker=speaker, split=split)
        points = np.repeat(load_head().landmarks[None], 34, axis=0)
        for _, lower in INNER_LIP_PAIRS:
            points[:, lower, 1] -= clip.loudness
        points += np.random.default_rng(number).normal(0, 0.02, points.shape)
        clips.append(replace(clip, landmarks=(points[..., :2] * [1.4, -1.4] + [12, 16]).astype(np.float32)))
    return write_corpus(tmp_path_factory.mktemp("motion") / "shards", clips)


def test_clips_in_motion_model_out(shards, tmp_path):
    recipe = tmp_path / "small.yaml"
    recipe.write_text(RECIPE)
    out = tmp_path / "run"
    arguments = ["train", str(recipe), "--data", str(shards), "-o", str(out), "--device", "cpu", "--quiet"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.output.strip().endswith("model")
    generator = load_motion(out / "model")
    assert generator.config.look_ahead == 1
    assert generator.basis.abs().sum() > 0
    assert torch.isfinite(generator.scale).all()
    weights = load_file(out / "model" / "motion.safetensors")
    before = {name: value.clone() for name, value in weights.items()}
    assert CliRunner().invoke(app, arguments).exit_code == 0  # complete: nothing changes
    assert all(
        torch.equal(value, before[name]) for name, value in load_file(out / "model" / "motion.safetensors").items()
    )


def test_the_cache_gives_what_was_made(shards, tmp_path):
    first = cached_tracks(shards, tmp_path / "a", seed=0, varieties=1, workers=1)
    made = list((tmp_path / "a").iterdir())
    again = cached_tracks(shards, tmp_path / "a", seed=0, varieties=1, workers=1)
    other = cached_tracks(shards, tmp_path / "b", seed=1, varieties=1, workers=1)
    assert len(made) == 4
    assert [len(track.speech) for track in first] == [3, 3, 3, 2]  # plain in both modes; one variety, not held out
    for a, b, c in zip(first, again, other, strict=True):
        assert np.array_equal(a.shape, b.shape)
        assert all(map(np.array_equal, a.speech, b.speech))
        assert all(map(np.array_equal, a.speech[:2], c.speech[:2]))
    assert not np.array_equal(first[0].speech[2], other[0].speech[2])
    made[0].write_bytes(b"PK damaged")
    with pytest.raises(OrateError, match="is damaged: delete it"):
        cached_tracks(shards, tmp_path / "a", seed=0, varieties=1, workers=1)


def test_what_cannot_be_is_said(tmp_path):
    with pytest.raises(OrateError, match="nothing to train on"):
        run_motion(MotionTrainConfig(model=MotionConfig()), [], [], tmp_path)
    for text in ("kind: motion\nsteps: 0\n", "kind: motion\nspeed: 3\n", "just words\n"):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(OrateError, match=r"bad\.yaml"):
            load_motion_config(tmp_path / "bad.yaml")
    assert load_motion_config(None, ["steps=7", "model.look_ahead=0"]).steps == 7


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "default-motion", "-o", "out"], "nothing to train on"),
        (["train", "default-motion", "-o", "out", "--data", "x", "--from", "paper"], "leave out --from"),
        (["train", "paper-small", "-o", "out"], "--data"),
        (["train", "paper-small", "-o", "out", "--tracks", "somewhere"], "leave out --tracks"),
    ],
)
def test_the_command_says_what_is_missing(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code != 0
    assert sentence in str(result.exception) + result.output
    assert not list(tmp_path.iterdir())
