"""The refinement's pairs out of folders: made once, clip by clip, and kept on disk."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from orate.corpora.clip import VALIDATION, Clip
from orate.corpora.grid import find_clips
from orate.corpora.mouth_pairs import MouthPairs, SeenClip, clip_pairs, load_pairs, prepared_clip, video_clip
from orate.corpora.shards import INDEX_NAME, Sample, read_index
from orate.corpora.synthetic.recipe import CORPUS
from orate.corpora.synthetic.videos import synthetic_videos
from orate.errors import OrateError
from orate.face.landmarks import FaceLandmarker
from orate.training.refine_config import RefinePairs

Progress = Callable[[str, int, int], None]


class _ToDo(NamedTuple):
    """A clip that pairs may be made of; `name` is that of its file."""

    name: str
    key: str
    speaker: str
    split: str
    read: Callable[[], SeenClip]


def cached_pairs(
    folders: list[Path],
    cache: Path,
    recipe: RefinePairs,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> MouthPairs | None:
    """All pairs of the folders; what is missing in the cache is made, 0.1 s a frame on one core.

    Args:
        folders: folders of `orate prepare`, of GRID's own videos, or of the videos that `orate prepare synthetic` kept;
            with videos the pairs have their resolution.
        cache: a folder; kept between runs. Give another one for other settings.
        recipe: how many clips, sources and frames.
        progress: called with what is done, how much of it, and of how much.
        stop: asked before each clip; True ends the work, what is made stays.

    Returns:
        The pairs, or None where `stop` ended the work.

    Raises:
        OrateError: a folder holds no clips or is damaged, no face was found in any clip.
    """
    cache.mkdir(parents=True, exist_ok=True)
    clips = _spread([clip for number, folder in enumerate(folders) for clip in _clips(folder, number)], recipe.clips)
    paths = [cache / clip.name for clip in clips]
    for done, (clip, path) in enumerate(zip(clips, paths, strict=True)):
        if stop():
            return None
        if not path.is_file():
            random = np.random.default_rng(zlib.crc32(clip.key.encode()))
            sources = recipe.sources_of.get(clip.speaker, recipe.sources)
            pairs = clip_pairs(clip.read(), recipe.spread, sources, recipe.frames, random)
            pairs.save(path) if pairs is not None else path.write_bytes(b"")
        if progress:
            progress("pairs", done + 1, len(clips))
    parts = [load_pairs(path) for path in paths if path.stat().st_size]
    if not parts:
        raise OrateError("No face was found in these clips: there are no mouths to learn from.")
    return MouthPairs.joined(parts)


def _clips(folder: Path, number: int) -> list[_ToDo]:
    """The clips of the folder of that number: two folders may hold clips of one key."""

    def name(key: str) -> str:
        return f"{number}-{key}.npz"

    if (folder / INDEX_NAME).is_file():
        samples = read_index(folder).samples
        return [_ToDo(name(s.key), s.key, _speaker(s), s.split, partial(prepared_clip, folder, s)) for s in samples]
    landmarker, clips = FaceLandmarker(threads=1), _videos(folder)
    return [_ToDo(name(c.key), c.key, c.speaker, c.split, partial(video_clip, c, landmarker)) for c in clips]


def _videos(folder: Path) -> Sequence[Clip]:
    """The clips of a folder of videos: GRID's own, or those that `orate prepare synthetic --videos` kept.

    Of the latter the faces are looked for as in all others, although they are known: so they are when a photo speaks.
    """
    drawn = synthetic_videos(folder)
    if drawn:
        return [Clip(key=path.stem, speaker=CORPUS, video=path, corpus=CORPUS) for path in drawn]
    return find_clips(folder)


def _speaker(sample: Sample) -> str:
    """Whose turn it is when every speaker comes up equally often: synthetic people, who are many, are one."""
    return CORPUS if sample.corpus == CORPUS else sample.speaker


def _spread(clips: list[_ToDo], count: int) -> list[_ToDo]:
    """At most `count` clips of each speaker and split, evenly among those that there are; all for 0."""
    groups: dict[tuple[str, bool], list[_ToDo]] = {}
    for clip in clips:
        groups.setdefault((clip.speaker, clip.split == VALIDATION), []).append(clip)
    chosen = []
    for group in groups.values():
        places = np.unique(np.linspace(0, len(group) - 1, min(count or len(group), len(group))).astype(int))
        chosen += [group[place] for place in places]
    return chosen
