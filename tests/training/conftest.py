"""A tiny corpus, a tiny recipe, and one thread: on so small networks more threads only wait for each other."""

from pathlib import Path

import pytest
from synthetic_corpus import SHRINK, speaking_clip, write_corpus

from orate.corpora.dataset import ClipDataset
from orate.training.config import TrainConfig, load_config
from orate.training.trainer import Trainer


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven clips of 12 frames to train on, two held out; batches of two leave one clip over in each epoch."""
    clips = [speaking_clip(f"s1_{number}", number) for number in range(7)]
    clips.append(speaking_clip("s1_held", 8, split="validation"))
    clips.append(speaking_clip("s9_new", 9, split="validation", speaker="s9", unseen=True))
    return write_corpus(tmp_path_factory.mktemp("corpus") / "shards", clips)


@pytest.fixture(scope="session")
def shrunk():
    """A bundled config made tiny, then changed further: (name, *overrides) -> TrainConfig."""

    def load(name: str = "paper-small", *overrides: str) -> TrainConfig:
        return load_config(name, [*SHRINK, *overrides])

    return load


@pytest.fixture(scope="session")
def make_trainer(corpus):
    """As `orate train` builds it: (config, folder, metrics) -> Trainer."""

    def make(config: TrainConfig, folder: Path, metrics=None, data: Path = corpus, start=None) -> Trainer:
        rate, frames = config.model.audio_rate, config.data.clip_frames
        train = ClipDataset(data, "train", rate, frames, mirror=config.data.mirror, seed=config.run.seed)
        return Trainer(config, train, ClipDataset(data, "validation", rate), folder, metrics, start)

    return make
