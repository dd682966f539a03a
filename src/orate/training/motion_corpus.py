"""From tracks to what the motion generator learns from: its buffers, and the stretches of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from orate.corpora.mirror import MIRROR_478
from orate.corpora.motion_tracks import MotionTrack, person_neutrals
from orate.models.motion_decoder import UPPER_COMPONENTS
from orate.models.motion_generator import MotionGenerator
from orate.training.motion_basis import Floats, fit_basis, fit_face_encoder, sample_displacements, set_scales, targets
from orate.training.motion_data import MotionItem
from orate.training.motion_sway import fit_sway

SWAY_FRAMES = 75
"""Shorter stretches say nothing of how a head sways: three seconds."""
SPEECH_EVERY = 7
GRID = "grid/"
"""How the names of people begin who read GRID's sentences."""
MIRROR_AXES = np.array([-1, 1, 1], np.float32)


def prepare_motion(generator: MotionGenerator, tracks: list[MotionTrack]) -> list[MotionItem]:
    """Fill the buffers of a new generator from training tracks, and make stretches of all tracks.

    Args:
        generator: new; its basis, scales, sway and face encoder are fitted on tracks that are not held out.
        tracks: of all corpora, with centred speech; a person's name that begins with ``grid/`` makes the kind
            ``grid``, others ``tracks``.

    Returns:
        One stretch for each track.
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
    return [_item(generator, track, value, neutrals[track.person]) for track, value in zip(tracks, values, strict=True)]


def mirrored_items(generator: MotionGenerator, tracks: list[MotionTrack], items: list[MotionItem]) -> list[MotionItem]:
    """Stretches of the mirror images of training people, as of other people who say the same.

    Args:
        generator: its buffers are those of `prepare_motion`.
        tracks: given to `prepare_motion`; those held out are left out.
        items: made by it.
    """
    count = generator.config.components
    basis, scale = generator.basis.numpy(), generator.scale.numpy()
    turned = (basis[:, MIRROR_478] * MIRROR_AXES).reshape(count, -1) @ np.linalg.pinv(basis.reshape(count, -1))
    matrix = np.zeros((len(scale), len(scale)), np.float32)
    matrix[:count, :count] = turned
    matrix[count, count + 1] = matrix[count + 1, count] = 1  # the lids change places
    signs = [1, -1, -1, *MIRROR_AXES]
    matrix[range(count + 2, count + 8), range(count + 2, count + 8)] = signs
    faces = {person: neutral[MIRROR_478] * MIRROR_AXES for person, neutral in person_neutrals(tracks).items()}
    return [
        replace(
            item,
            values=(item.values * scale @ matrix / scale).astype(np.float32),
            identity=generator.face_encoder.coefficients(torch.from_numpy(faces[item.person])).numpy(),
        )
        for track, item in zip(tracks, items, strict=True)
        if not track.validation
    ]


def _item(generator: MotionGenerator, track: MotionTrack, value: Floats, neutral: Floats) -> MotionItem:
    identity = generator.face_encoder.coefficients(torch.from_numpy(neutral)).numpy()
    return MotionItem(
        "grid" if track.person.startswith(GRID) else "tracks",
        track.person,
        value / generator.scale.numpy(),
        tuple(one.astype(np.float16, copy=False) for one in track.speech),
        identity,
    )


def _fit_sway(generator: MotionGenerator, values: list[Floats], tracks: list[MotionTrack]) -> None:
    """From the long stretches of natural speech; people of GRID were told to sit still."""
    count = generator.config.components
    pose = count + 2
    chosen = [
        np.concatenate([value[:, pose : pose + 5], value[:, count - UPPER_COMPONENTS : count]], axis=1)
        for value, track in zip(values, tracks, strict=True)
        if len(value) >= SWAY_FRAMES and not track.person.startswith(GRID)
    ]
    if not chosen:
        return
    matrices, innovation = fit_sway(chosen)
    generator.sway.copy_(torch.from_numpy(matrices.astype(np.float32)))
    generator.sway_innovation.copy_(torch.from_numpy(innovation.astype(np.float32)))
