"""Synthetic people as a corpus: the same preparation as of recordings, with clips that are drawn instead of read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orate.corpora.clip import PrepareSettings
from orate.corpora.engine import Engine
from orate.corpora.prepare import prepare
from orate.corpora.report import Report
from orate.corpora.synthetic.clips import ClipMaker, check_renderer
from orate.corpora.synthetic.recipe import Recipe, claim_folder, synthetic_clips
from orate.corpora.synthetic.sources import motion_index


def prepare_people(
    recipe: Recipe,
    out: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    engine: Engine | None = None,
    command: str = "",
) -> Report:
    """Make the people of a recipe into a folder of shards; an interrupted run is continued.

    Frame rate and the sound's rate are those of the folder that lends the motion.

    Args:
        recipe: who they are.
        out: folder for the shards.
        workers: processes on this machine.
        progress: called with clips finished, and clips in all.
        engine: where clips are made; None: `workers` processes.
        command: what was typed, for the dataset's card.

    Raises:
        OrateError: no assets, no OpenGL, no prepared clips or none for training, or a folder begun otherwise.
    """
    recipe = _absolute(recipe)
    index = motion_index(recipe.motion)
    clips = synthetic_clips(recipe, index)
    check_renderer(recipe)
    claim_folder(recipe, out)
    settings = PrepareSettings(fps=index.fps, rate=index.rate, voice=False, offset=False)
    return prepare(
        clips,
        out,
        settings,
        workers=workers,
        progress=progress,
        engine=engine,
        prepare_clip=ClipMaker(recipe),
        command=command,
    )


def _absolute(recipe: Recipe) -> Recipe:
    """The recipe for workers that may run in another folder."""
    videos = recipe.videos.resolve() if recipe.videos else None
    return replace(recipe, assets=recipe.assets.resolve(), motion=recipe.motion.resolve(), videos=videos)
