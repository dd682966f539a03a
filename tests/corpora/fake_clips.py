"""Clips that cost nothing to prepare: parts of shards made of random bytes, for tests of what happens around them."""

import time
from pathlib import Path

import numpy as np

from orate.corpora.clip import Clip
from orate.corpora.engine import PoolEngine
from orate.corpora.prepare import prepare
from orate.corpora.report import DroppedClip
from orate.corpora.shards import Sample, tar_fragment
from orate.corpora.worker import Record, fragment_path, record_path

SHARD_BYTES = 40_000


def fake_clips(source, count):
    """Clips of videos that are there, each of a few bytes; every seventh will be dropped."""
    source.mkdir(exist_ok=True)
    clips = []
    for number in range(count):
        video = source / f"v{number:06d}.mp4"
        if not video.exists():
            video.write_bytes(b"video")
        clips.append(Clip(f"c{number:06d}", f"s{number % 5}", video))
    return clips


def prepare_fake(clip, settings, work):
    """As `orate.corpora.worker.prepare_to_folder`, with up to 9 KB for the video and without waiting for the disk."""
    number = int(clip.key[1:])
    draw = np.random.default_rng(number)
    if number % 7 == 6:
        record = Record(dropped=DroppedClip(key=clip.key, source=clip.video.name, reason="no face", detail=""))
    else:
        members = {"mp4": draw.bytes(int(draw.integers(1, 9000))), "json": b"{}"}
        fragment, places = tar_fragment(clip.key, members)
        _write(fragment_path(work, clip.key), fragment)
        sample = Sample(
            key=clip.key,
            shard="",
            frames=int(draw.integers(20, 100)),
            speaker=clip.speaker,
            split=clip.split,
            unseen_speaker=False,
            psnr_db=50.0,
            members=places,
        )
        record = Record(sample=sample, source=clip.video.name)
    _write(record_path(work, clip.key), record.model_dump_json().encode())
    return clip.key


def prepare_fake_slowly(clip, settings, work):
    """A millisecond a clip."""
    time.sleep(0.001)
    return prepare_fake(clip, settings, work)


def _write(path, data):
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(data)
    temporary.replace(path)


def main(source, out, count, workers):
    """A whole process' work."""
    prepare(
        fake_clips(Path(source), int(count)),
        Path(out),
        engine=PoolEngine(int(workers)),
        prepare_clip=prepare_fake_slowly,
        shard_bytes=SHARD_BYTES,
        card=False,
    )
