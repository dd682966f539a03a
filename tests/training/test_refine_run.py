"""The refinement's training from a folder of prepared clips: pairs are made once, people held out teach nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from orate.cli.train_refiner import is_refiner_recipe, train_refiner_model
from orate.corpora.codec import encode_arrays, encode_audio, encode_video
from orate.corpora.shards import INDEX_NAME, Index, Sample, tar_fragment, write_shard
from orate.errors import OrateError
from orate.models.refiner import REFINER_FILE, load_refiner
from orate.render.head import load_head
from orate.render.lips import LOWER_RINGS
from orate.render.pose import HeadPose
from orate.training.refine_config import RefinePairs
from orate.training.refine_pairs import cached_pairs

HEIGHT, WIDTH, FRAMES, RATE = 128, 96, 9, 16_000
SETTINGS = [
    "model={channels: [4, 6]}",
    "pairs={spread: 3, frames: 7, clips: 0, hold_out: [s2]}",
    "critics={channels: 2, code: 4}",
    "run={steps: 2, adversarial_from: 1, batch_size: 2, clips: 2, clip_frames: 5, log_every: 1, validate_every: 1}",
]
JOINT = ["losses={frame: 0.01, sequence: 0.01, sync: 0.01}"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of two people: a still painted face whose lower lip goes down and up."""
    folder = tmp_path_factory.mktemp("shards")
    pose = HeadPose(5.5, np.diag([1.0, -1.0, -1.0]), np.array([WIDTH / 2, HEIGHT / 2, 0.0]))
    samples, fragments, begin = [], [], 0
    for key, speaker, seed in (("s1_a", "s1", 0), ("s1_b", "s1", 1), ("s2_a", "s2", 2)):
        random = np.random.default_rng(seed)
        noise = random.integers(60, 200, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        frames = np.repeat(cv2.GaussianBlur(noise, (0, 0), 3)[None], FRAMES, axis=0)
        landmarks = np.repeat(pose.project(load_head().landmarks)[None], FRAMES, axis=0).astype(np.float32)
        landmarks[:, LOWER_RINGS.ravel(), 1] += 4 * np.sin(np.arange(FRAMES))[:, None] ** 2
        arrays = {"landmarks": landmarks, "blendshapes": np.zeros((FRAMES, 52), np.float16)}
        sound = random.normal(0, 0.1, FRAMES * RATE // 25).astype(np.float32)
        members = {
            "mp4": encode_video(frames, 25, 4),
            "flac": encode_audio(sound, RATE),
            "npz": encode_arrays(arrays),
        }
        fragment, places = tar_fragment(key, members)
        moved = {name: place.model_copy(update={"offset": place.offset + begin}) for name, place in places.items()}
        begin += len(fragment)
        fragments.append(fragment)
        sample = {"key": key, "shard": "shard-000000.tar", "frames": FRAMES, "speaker": speaker, "split": "train"}
        samples.append(Sample(**sample, unseen_speaker=False, psnr_db=50, members=moved))
    shard = write_shard(folder / "shard-000000.tar", fragments)
    index = Index(fps=25, rate=RATE, height=HEIGHT, width=WIDTH, shards=[shard], samples=samples)
    (folder / INDEX_NAME).write_text(index.model_dump_json(), encoding="utf-8")
    return folder


def test_one_command_makes_pairs_and_trains(shards: Path, tmp_path: Path) -> None:
    assert is_refiner_recipe("default-refiner")
    assert train_refiner_model("default-refiner", [shards], tmp_path, SETTINGS + JOINT, "cpu", True) is None
    net = load_refiner(tmp_path / "model" / REFINER_FILE)
    assert net.config.channels == (4, 6)
    assert net.leave.weight.abs().max() > 0
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["0-s1_a.npz", "0-s1_b.npz", "0-s2_a.npz"]
    curves = EventAccumulator(str(tmp_path / "curves"))
    curves.Reload()
    tags = set(curves.Tags()["scalars"])
    assert {"train/picture", "train/critic/sync", "train/generator/frame", "validation/s2/lips"} <= tags
    assert not any(tag.startswith("validation/s1") for tag in tags)


def test_a_signal_between_clips_ends_the_making_and_the_same_command_goes_on(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orate.training import refine_pairs

    made: list[int] = []
    original = refine_pairs.clip_pairs

    def stopping(*arguments: object) -> object:
        made.append(len(made))
        if len(made) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    monkeypatch.setattr(refine_pairs, "clip_pairs", stopping)
    assert train_refiner_model("default-refiner", [shards], tmp_path, SETTINGS, "cpu", True) == signal.SIGTERM
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["0-s1_a.npz"]
    assert train_refiner_model("default-refiner", [shards], tmp_path, SETTINGS, "cpu", True) is None
    assert len(made) == 3


def test_a_speaker_s_clips_are_chosen_evenly(shards: Path, tmp_path: Path) -> None:
    pairs = cached_pairs([shards], tmp_path, RefinePairs(spread=3, frames=7, clips=1))
    assert pairs is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-s1_a.npz", "0-s2_a.npz"]
    assert list(pairs.run) == [0, 1, *[2] * 7, 3, 4, *[5] * 7]
    assert (pairs.sound != 0).any()


def test_nothing_to_learn_from_is_told(shards: Path, tmp_path: Path) -> None:
    settings = [*SETTINGS, "pairs.hold_out=[s1, s2]"]
    with pytest.raises(OrateError, match="all are held out"):
        train_refiner_model("default-refiner", [shards], tmp_path, settings, "cpu", True)
