"""From tracks to what the motion generator learns from: its buffers, and the stretches of a run."""

from __future__ import annotations

import numpy as np
import torch

from orate.corpora.motion_tracks import MotionTrack, person_neutrals
from orate.models.motion_generator import UPPER_COMPONENTS, MotionGenerator
from orate.training.motion_basis import Floats, fit_basis, fit_face_encoder, sample_displacements, set_scales, targets
from orate.training.motion_data import MotionItem
from orate.training.motion_sway import fit_sway

SWAY_FRAMES = 75
"""Shorter stretches say nothing of how a head sways: three seconds."""
SPEECH_EVERY = 7


def prepare_motion(
    generator: MotionGenerator, tracks: list[MotionTrack], rest: list[MotionItem] | None = None
) -> tuple[list[MotionItem], list[MotionItem]]:
    """Fill the buffers of a new generator from training tracks, and make stretches of all tracks.

    Args:
        generator: new; its basis, scales, sway and face encoder are fitted on tracks that are not held out.
        tracks: of all corpora; a person's name that begins with ``grid/`` makes the kind ``grid``, others ``tracks``.
        rest: stretches without speech to train on.

    Returns:
        Stretches for training, and those held out.
    """
    neutrals = person_neutrals(tracks)
    train = [track for track in tracks if not track.validation]
    basis, projection = fit_basis(sample_displacements(train, neutrals), generator.config.components)
    values = [targets(track, neutrals[track.person], projection) for track in tracks]
    kept = [value for value, track in zip(values, tracks, strict=True) if not track.validation]
    set_scales(generator, basis, np.concatenate(kept))
    fit_face_encoder(generator.face_encoder, train, neutrals, projection)
    _fit_sway(generator, kept, train)
    speech = np.concatenate([track.speech[0][::SPEECH_EVERY] for track in train]).astype(np.float32)
    flat = speech.reshape(len(speech), -1)
    generator.motion_encoder.mean.copy_(torch.from_numpy(flat.mean(axis=0)))
    generator.motion_encoder.deviation.copy_(torch.from_numpy(flat.std(axis=0) + 1e-3))
    scale = generator.scale.numpy()
    learned: list[MotionItem] = list(rest or [])
    held_out: list[MotionItem] = []
    for track, value in zip(tracks, values, strict=True):
        identity = generator.face_encoder.coefficients(torch.from_numpy(neutrals[track.person])).numpy()
        item = MotionItem(
            "grid" if track.person.startswith("grid/") else "tracks",
            track.person,
            value / scale,
            tuple(one.astype(np.float16) for one in track.speech),
            identity,
        )
        (held_out if track.validation else learned).append(item)
    return learned, held_out


def _fit_sway(generator: MotionGenerator, values: list[Floats], tracks: list[MotionTrack]) -> None:
    """From the long stretches of natural speech; people of GRID were told to sit still."""
    count = generator.config.components
    pose = count + 2
    chosen = [
        np.concatenate([value[:, pose : pose + 5], value[:, count - UPPER_COMPONENTS : count]], axis=1)
        for value, track in zip(values, tracks, strict=True)
        if len(value) >= SWAY_FRAMES and not track.person.startswith("grid/")
    ]
    if not chosen:
        return
    matrices, innovation = fit_sway(chosen)
    generator.sway.copy_(torch.from_numpy(matrices.astype(np.float32)))
    generator.sway_innovation.copy_(torch.from_numpy(innovation.astype(np.float32)))
