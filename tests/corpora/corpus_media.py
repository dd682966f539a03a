"""Small videos in the containers, codecs, sizes and rates of published corpora: a face that sways, and read speech."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
import soxr
from skimage import data

SPEECH = Path(__file__).parents[2] / "examples" / "speech.wav"
NTSC = Fraction(30000, 1001)
FACE_SIDE = 200  # pixels of the photograph around the face


def film(size, count, way=0, fps=25):
    """The astronaut's face swaying in a picture of (height, width), (count, height, width, 3) uint8.

    Each ``way`` is another film: other light, other movement, mirrored or not.
    """
    photo = data.astronaut()[:, :: -1 if way % 2 else 1]
    left = 207 if way % 2 else 125
    height, width = size
    side = min(height, width)
    frames = np.full((count, height, width, 3), 70 + 9 * (way % 7), np.uint8)
    for k in range(count):
        t = k / fps
        x = left + 3 * np.sin(4 * t + way)
        y = 8 + 2 * np.cos((3 + way % 3) * t)
        scale = side / FACE_SIDE
        matrix = np.array([[scale, 0, (width - side) / 2 - scale * x], [0, scale, -scale * y]])
        face = cv2.warpAffine(photo, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = slice((width - side) // 2, (width + side) // 2)
        frames[k, :, inside] = np.clip(face[:, inside] * (0.75 + 0.04 * (way % 6)), 0, 255).astype(np.uint8)
    return frames


def speech(seconds, rate, way=0):
    """Read speech, (samples,) float32 at ``rate``; each ``way`` begins elsewhere."""
    sound, own_rate = soundfile.read(SPEECH, dtype="float32")
    first = round(0.3 * way * own_rate) % (len(sound) - round(seconds * own_rate) - 1)
    return soxr.resample(sound[first : first + round(seconds * own_rate) + 1], own_rate, rate)[: round(seconds * rate)]


def write(path, frames, sound=None, *, fps=25, video="libx264", audio="aac", rate=44_100, container=None, bits=4e6):
    """Write frames, and sound (samples,) float32 mono at ``rate``, with these codecs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container) as file:
        pictures = file.add_stream(video, rate=fps)
        pictures.height, pictures.width, pictures.pix_fmt = *frames.shape[1:3], "yuv420p"
        pictures.bit_rate = int(bits)
        if video == "libx264":
            pictures.options = {"preset": "ultrafast"}
        voice = file.add_stream(audio, rate=rate, layout="mono") if sound is not None else None
        for frame in frames:
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(pictures.encode(None))
        if voice is not None:
            block = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = rate, 0, Fraction(1, rate)
            file.mux(voice.encode(block))
            file.mux(voice.encode(None))


def write_sound(path, sound, rate):
    """Write a .wav file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate)


def truncate(path):
    """Leave the first half of a file."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
