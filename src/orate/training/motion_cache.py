"""Tracks of prepared clips with all the encodings of their sound, made once, in several processes, and kept on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields
from multiprocessing import current_process, get_context
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch

from orate.corpora.clip import TRAIN
from orate.corpora.grid_tracks import read_grid_track, read_speech
from orate.corpora.motion_tracks import MotionTrack
from orate.corpora.shards import Sample, read_index
from orate.corpora.worker import start_worker
from orate.errors import OrateError
from orate.media.files import whole_file
from orate.models.engines.speech_engine import speech_engine
from orate.models.speech_encoder import FRAME_SAMPLES, load_speech_encoder
from orate.training.motion_rest import RestStretch, Said, make_rest
from orate.training.motion_speech import SpeechEncodings

Progress = Callable[[str, int, int], None]
MOST_SENTENCES = 3
ALONE_EVERY = 4
"""Nobody speaks in every fourth stretch of rest."""
_encodings: SpeechEncodings | None = None


def cached_tracks(
    folder: Path, cache: Path, seed: int, varieties: int, workers: int | None = None, progress: Progress | None = None
) -> list[MotionTrack]:
    """The tracks of a folder of shards, in the index' order; what is missing in the cache is made.

    Args:
        folder: written by `orate prepare`.
        cache: a folder; kept between runs. Give another one for another seed or other weights of the encoder.
        seed: of `SpeechEncodings`.
        varieties: of `SpeechEncodings`; clips that are held out get the plain encodings only.
        workers: processes; by default one for each core.
        progress: called with what is done, how much of it, and of how much.

    Raises:
        OrateError: the folder is not prepared or damaged, or a process died.
    """
    samples = read_index(folder).samples
    paths = [cache / f"{sample.key.replace('/', '_')}.npz" for sample in samples]
    cache.mkdir(parents=True, exist_ok=True)
    missing = [k for k, path in enumerate(paths) if not path.is_file()]
    calls = [(folder, samples[k], paths[k], k) for k in missing]
    for done, _ in enumerate(_in_processes(_make_track, calls, seed, varieties, workers)):
        if progress:
            progress(f"sound of {folder.name}", done + 1, len(missing))
    return [_read_track(path) for path in paths]


def cached_rest(
    folders: list[Path],
    cache: Path,
    count: int,
    seed: int,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[RestStretch]:
    """Stretches in which the mouth rests, all the time or around sentences; see `orate.training.motion_rest`.

    Args:
        folders: of shards; their training clips lend the speech.
        cache: a folder, kept between runs.
        count: how many.
        seed: what is drawn comes from it and the stretch's number.
        workers: processes; by default one for each core.
        progress: as of `cached_tracks`.

    Raises:
        OrateError: a folder is not prepared or damaged, or a process died.
    """
    clips = [(folder, s) for folder in folders for s in read_index(folder).samples if s.split == TRAIN]
    cache.mkdir(parents=True, exist_ok=True)
    paths = [cache / f"rest_{number}.npz" for number in range(count)]
    missing = [number for number in range(count) if not paths[number].is_file()]
    calls = []
    for number in missing:
        random = np.random.default_rng([seed, number])
        count_said = int(random.integers(1, MOST_SENTENCES + 1)) if clips and number % ALONE_EVERY else 0
        chosen: list[tuple[Path, Sample]] = []
        for _ in range(count_said):  # of one speaker: the stretch has one face
            pool = [clip for clip in clips if clip[1].speaker == chosen[0][1].speaker] if chosen else clips
            chosen.append(pool[int(random.integers(len(pool)))])
        calls.append((chosen, paths[number], number, seed))
    for done, _ in enumerate(_in_processes(_make_rest, calls, seed, 0, workers)):
        if progress:
            progress("silence and noise", done + 1, len(missing))
    stretches = []
    for path in paths:
        with np.load(path) as file:
            speech = tuple(file[name] for name in sorted(file.files) if name.startswith("speech"))
            said = (file["key"], file["first"], file["frames"], file["rate"])
            parts = tuple(Said(str(k), int(a), int(n), float(r)) for k, a, n, r in zip(*said, strict=True))
            stretches.append(RestStretch(parts, speech))
    return stretches


def _in_processes(
    work: Callable[..., None], calls: Sequence[tuple[object, ...]], seed: int, varieties: int, workers: int | None
) -> Iterator[None]:
    """Carry out the calls; a few are not worth a pool."""
    if not calls:
        return
    workers = min(workers or os.cpu_count() or 1, len(calls))
    if workers == 1:
        _start(seed, varieties)
        for call in calls:
            work(*call)
            yield
        return
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start_process, initargs=(seed, varieties)
    ) as pool:
        try:
            yield from pool.map(work, *zip(*calls, strict=True), chunksize=1)
        except BrokenProcessPool as error:
            raise OrateError("A process that encodes speech was killed, most likely for lack of memory.") from error


def _start_process(seed: int, varieties: int) -> None:
    start_worker()
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):  # a core each: engines that share cores wait for one another most of the time
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[current_process()._identity[0] % len(cores)]})
    _start(seed, varieties)


def _start(seed: int, varieties: int) -> None:
    global _encodings  # one for each process: compiling the encoder takes a second
    _encodings = SpeechEncodings(speech_engine(load_speech_encoder()), seed, varieties)


def _make_track(folder: Path, sample: Sample, path: Path, number: int) -> None:
    made = _encodings
    assert made is not None  # noqa: S101 - set by the process' start
    if sample.split == TRAIN:
        track = read_grid_track(folder, sample, lambda sound, frames: made.varied(sound, frames, number))
    else:
        track = read_grid_track(folder, sample, made.plain)
    values = {f.name: np.asarray(getattr(track, f.name)) for f in fields(MotionTrack) if f.name != "speech"}
    values |= {f"speech{k}": speech.astype(np.float16) for k, speech in enumerate(track.speech)}
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(file, **values)  # type: ignore[arg-type]


def _read_track(path: Path) -> MotionTrack:
    try:
        with np.load(path) as file:
            values = {name: file[name] for name in file.files}
        speech = tuple(values.pop(name) for name in sorted(n for n in values if n.startswith("speech")))
        scalars = {
            "person": str(values.pop("person")),
            "validation": bool(values.pop("validation")),
            "unseen": bool(values.pop("unseen")),
        }
        return MotionTrack(speech=speech, **values, **scalars)  # type: ignore[arg-type]
    except (OSError, KeyError, ValueError, TypeError, BadZipFile) as error:
        raise OrateError(f"{path} is damaged: delete it, and it is made again.") from error


def _make_rest(clips: list[tuple[Path, Sample]], path: Path, number: int, seed: int) -> None:
    made = _encodings
    assert made is not None  # noqa: S101 - set by the process' start
    random = np.random.default_rng([seed, number, 1])
    sound, said = make_rest([(sample.key, read_speech(folder, sample)) for folder, sample in clips], random)
    encodings = made.plain(sound, len(sound) // FRAME_SAMPLES)
    values = {f"speech{k}": one.astype(np.float16) for k, one in enumerate(encodings)}
    values |= {name: np.array([getattr(part, name) for part in said]) for name in ("key", "first", "frames", "rate")}
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(file, **values)  # type: ignore[arg-type]
