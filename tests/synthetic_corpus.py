"""Prepared shards without a corpus: faces of a few pixels whose mouth is as bright as the sound is loud."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from orate.corpora.codec import encode_arrays, encode_audio, encode_video
from orate.corpora.shards import INDEX_NAME, Index, Sample, tar_fragment, to_json, write_atomically, write_shard
from orate.training.losses import LIPS_478

FPS = 25
RATE = 8_000
HEIGHT, WIDTH = 32, 24
MOUTH_ROWS, MOUTH_COLUMNS = slice(21, 27), slice(7, 17)

# Makes any bundled config so small that a step takes hundredths of a second.
SHRINK = [
    *(f"model.image_{side}={length}" for side, length in (("height", HEIGHT), ("width", WIDTH))),
    *(f"model.{name}=8" for name in ("identity_code", "audio_code", "content_code")),
    *(f"model.{name}=2" for name in ("base_channels", "audio_channels", "noise_code")),
    f"model.audio_rate={RATE}",
    *(f"critics.{name}_channels=2" for name in ("frame", "sequence", "sync")),
    *("data.batch_size=2", "data.clip_frames=8", "data.draw_frames=5", "data.workers=0", "data.cache=false"),
    *("run.accelerator=cpu", "run.devices=1", "run.precision=fp32", "losses.pixels_from=0"),
    *(f"run.{name}_every=0" for name in ("log", "save", "validate", "sample")),
]


@dataclass
class SyntheticClip:
    """What one sample of a shard is made from; frames (T, H, W, 3) uint8, sound (n,), landmarks (T, 478, 2) px."""

    key: str
    frames: np.ndarray
    audio: np.ndarray
    landmarks: np.ndarray
    speaker: str = "s1"
    split: str = "train"
    unseen: bool = False
    loudness: np.ndarray = field(default_factory=lambda: np.zeros(0))


def speaking_clip(key: str, seed: int, count: int = 12, **kind) -> SyntheticClip:
    """A shaded oval with eyes; its mouth's brightness, and the opening of its lips, follow the loudness of a tone."""
    random = np.random.default_rng(seed)
    loudness = np.convolve(random.uniform(0, 1, count + 2), [0.25, 0.5, 0.25], "valid")
    loudness = (loudness - loudness.min()) / np.ptp(loudness)
    time_s = np.arange(count * RATE // FPS) / RATE
    level = np.interp(time_s, (np.arange(count) + 0.5) / FPS, loudness)
    audio = 0.8 * level * np.sin(2 * np.pi * 300 * time_s) + 0.005 * random.standard_normal(len(time_s))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    oval = ((x - WIDTH / 2) / 9) ** 2 + ((y - HEIGHT / 2) / 14) ** 2 < 1
    face = np.where(oval[..., None], random.uniform(90, 160, 3), random.uniform(20, 80, 3)) + (y[..., None] - 16)
    for left in (6, 15):
        face[11:13, left : left + 3] = 30
    frames = np.repeat(face[None], count, 0)
    frames[:, MOUTH_ROWS, MOUTH_COLUMNS] = (20 + 210 * loudness)[:, None, None, None]
    landmarks = np.repeat(random.uniform([4, 4], [20, 28], (478, 2))[None], count, 0)
    angle = np.linspace(np.pi, -np.pi, len(LIPS_478) // 2, endpoint=False)
    for first, size in ((0, 1.0), (len(angle), 0.7)):
        across = np.broadcast_to(12 + 5 * size * np.cos(angle), (count, len(angle)))
        ring = np.stack([across, 24 + np.outer(loudness, np.sin(angle))], -1)
        landmarks[:, LIPS_478[first : first + len(angle)]] = ring
    pixels = np.clip(frames, 0, 255).astype(np.uint8)
    return SyntheticClip(key, pixels, audio.astype(np.float32), landmarks.astype(np.float32), loudness=loudness, **kind)


def write_corpus(folder: Path, clips: list[SyntheticClip], rate: int = RATE) -> Path:
    """Write clips as `orate prepare` writes them: one shard and the index."""
    folder.mkdir(parents=True)
    parts, samples, begin = [], [], 0
    for clip in clips:
        count = len(clip.frames)
        arrays = {
            "landmarks": np.pad(clip.landmarks, ((0, 0), (0, 0), (0, 1))).astype(np.float32),
            "matrices": np.repeat(np.eye(2, 3, dtype=np.float32)[None], count, 0),
            "blendshapes": np.zeros((count, 52), np.float16),
        }
        members = {
            "mp4": encode_video(clip.frames, FPS, 4),
            "flac": encode_audio(clip.audio, rate),
            "npz": encode_arrays(arrays),
            "json": to_json({"key": clip.key, "speaker": clip.speaker}),
        }
        part, places = tar_fragment(clip.key, members)
        placed = {name: place.model_copy(update={"offset": place.offset + begin}) for name, place in places.items()}
        samples.append(
            Sample(
                key=clip.key,
                shard="shard-000000.tar",
                frames=count,
                speaker=clip.speaker,
                split=clip.split,
                unseen_speaker=clip.unseen,
                psnr_db=50.0,
                members=placed,
            )
        )
        parts.append(part)
        begin += len(part)
    shard = write_shard(folder / "shard-000000.tar", parts)
    height, width = clips[0].frames.shape[1:3]
    index = Index(fps=FPS, rate=rate, height=height, width=width, shards=[shard], samples=samples)
    write_atomically(folder / INDEX_NAME, index.model_dump_json().encode())
    return folder
