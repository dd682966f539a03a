"""What a set of synthetic people is made of, and who each of them is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from orate.corpora.clip import TRAIN, Clip
from orate.corpora.shards import Index, Sample, to_json, write_atomically
from orate.corpora.synthetic.sources import training_samples
from orate.errors import OrateError

CORPUS = "synthetic"
RECIPE_NAME = "synthetic.json"
DEFAULT_SIDE_PX = 384
DEFAULT_TURN_DEG = 15.0
LEAST_SECONDS = 0.5
# What each stream of random numbers decides; with the seed and the person's number, all that it depends on.
ORDER, PERSON, SETTING, MOTION, PLACE = range(5)


@dataclass(frozen=True)
class Recipe:
    """How synthetic people are made.

    Attributes:
        assets: folder of ICT-FaceKit's head.
        motion: prepared folder whose training clips lend motion and sound.
        people: how many; each has one clip.
        seed: of everything random.
        side: of the square picture, px.
        turn_deg: half range of the head's mean yaw; of its pitch and roll it is a part.
        seconds: of each clip; None: as long as the clip that it moves like.
        videos: folder for the whole pictures as MP4, with their landmarks; None: only the crops are kept.
    """

    assets: Path
    motion: Path
    people: int
    seed: int = 0
    side: int = DEFAULT_SIDE_PX
    turn_deg: float = DEFAULT_TURN_DEG
    seconds: float | None = None
    videos: Path | None = None

    def frames(self, fps: float) -> int | None:
        """Frames of a clip; None: all that its source has."""
        return None if self.seconds is None else max(1, round(self.seconds * fps))

    def random(self, number: int, stream: int) -> np.random.Generator:
        """Random numbers of one person for one purpose."""
        return np.random.default_rng([self.seed, stream, number])


def key_of(number: int) -> str:
    """Name of a person and of the clip."""
    return f"{CORPUS}-{number:06d}"


def number_of(key: str) -> int:
    """The inverse of `key_of`."""
    return int(key.rpartition("-")[2])


def source_of(recipe: Recipe, samples: list[Sample], number: int) -> Sample:
    """Whose motion a person has: all samples in an order of chance, then all of them in another."""
    turn, place = divmod(number, len(samples))
    order = recipe.random(turn, ORDER).permutation(len(samples))
    return samples[int(order[place])]


def usable_samples(recipe: Recipe, index: Index) -> list[Sample]:
    """Samples of the motion's folder that clips can be made of. Raises OrateError where there are none."""
    least = recipe.frames(index.fps) or round(LEAST_SECONDS * index.fps)
    return training_samples(recipe.motion, index, least)


def synthetic_clips(recipe: Recipe, index: Index) -> list[Clip]:
    """One clip for each person, all for training. `video` is the shard that the motion comes from.

    Raises:
        OrateError: the folder of motion has no training clips, or none that are long enough.
    """
    samples = usable_samples(recipe, index)
    clips = []
    for number in range(recipe.people):
        source = source_of(recipe, samples, number)
        key, shard = key_of(number), recipe.motion / source.shard
        clips.append(Clip(key=key, speaker=key, video=shard, sentence_id=source.key, split=TRAIN, corpus=CORPUS))
    return clips


def claim_folder(recipe: Recipe, out: Path) -> None:
    """Write down in `out` what it is made of, or make sure that it was begun so.

    Raises:
        OrateError: it was begun with another recipe.
    """
    kept = {name: value for name, value in asdict(recipe).items() if name not in ("assets", "motion", "videos")}
    content = to_json(kept)
    path = out / RECIPE_NAME
    if path.exists() and path.read_bytes() != content:
        raise OrateError(
            f"{out} was begun with another number of people, seed, size, turn or length: choose another output folder "
            "or delete it."
        )
    if not path.exists():
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OrateError(f"Cannot create {out}: {error.strerror}. Choose another output folder.") from error
        write_atomically(path, content)
