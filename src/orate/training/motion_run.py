"""A training of the motion model from folders on: `orate train default-motion`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from orate.corpora.motion_tracks import MotionTrack, read_tracks
from orate.corpora.shards import read_index
from orate.errors import OrateError
from orate.models.motion_generator import MotionGenerator
from orate.models.runtime import choose_device
from orate.models.speech_encoder import whole_means
from orate.training.motion_cache import cached_rest, cached_tracks
from orate.training.motion_config import MotionTrainConfig
from orate.training.motion_corpus import mirrored_items, prepare_motion
from orate.training.motion_data import MotionItem
from orate.training.motion_rest import rest_items
from orate.training.motion_trainer import train_motion
from orate.training.motion_validation import MotionValidation
from orate.training.sound_offset import without_offsets

CACHE_FOLDER = "cache"
Progress = Callable[[str, int, int, dict[str, float]], None]


def run_motion(
    config: MotionTrainConfig,
    shards: list[Path],
    tracks: list[Path],
    output: Path,
    progress: Progress | None = None,
    device: str = "auto",
    workers: int | None = None,
) -> int | None:
    """Train a motion generator from prepared clips and motion tracks, or go on with a run.

    Args:
        config: the recipe.
        shards: folders from `orate prepare`.
        tracks: folders of motion tracks (`orate.corpora.motion_tracks.read_tracks`).
        output: the run's folder; ``cache/`` in it keeps the encoded sound, and may be deleted when the run is complete.
        progress: called with what is done, how much, of how much, and the latest figures.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        workers: processes that encode sound; by default one for each core.

    Returns:
        The signal that stopped the run, or None when it is complete.

    Raises:
        OrateError: there is nothing to train on, no such device, a folder is damaged, or the run is of another recipe.
    """
    show = progress or (lambda what, done, total, figures: None)
    if not shards and not tracks:
        raise OrateError("There is nothing to train on: give prepared clips, motion tracks, or both.")

    def encoding(what: str, done: int, total: int) -> None:
        show(what, done, total, {})

    spoken: list[MotionTrack] = []
    keys: list[str] = []
    for number, folder in enumerate(shards):
        cache = output / CACHE_FOLDER / f"clips{number}"
        spoken += cached_tracks(folder, cache, config.seed, config.varieties, workers, encoding)
        keys += [sample.key for sample in read_index(folder).samples]
    rest = cached_rest(shards, output / CACHE_FOLDER / "rest", config.rest_stretches, config.seed, workers, encoding)
    measured = [_centred(track) for folder in tracks for track in read_tracks(folder)]
    everything = spoken + measured
    if config.align and measured:
        everything, _ = without_offsets(everything)
    validation: list[MotionValidation] = []

    def prepare(generator: MotionGenerator) -> list[MotionItem]:
        items = prepare_motion(generator, everything)
        validation.append(MotionValidation(everything, items))
        learned = [item for item, track in zip(items, everything, strict=True) if not track.validation]
        by_key = {key: items[k] for k, key in enumerate(keys) if not everything[k].validation}
        faces = [item.identity for item in learned[:: max(1, len(learned) // 40)]]
        added = rest_items(rest, by_key, faces, len(generator.scale))
        if config.mirror:
            learned += mirrored_items(generator, everything, items)
        return learned + added

    return train_motion(
        config,
        prepare,
        output,
        lambda step, steps, figures: show("steps", step, steps, figures),
        lambda generator: validation[0](generator),
        choose_device(device),
    )


def _centred(track: MotionTrack) -> MotionTrack:
    """With the mean of each position taken away from the whole clip's encoding."""
    speech = tuple(
        (one - whole_means(2 * len(one)).numpy().reshape(one.shape)).astype(np.float16) for one in track.speech
    )
    return replace(track, speech=speech)
