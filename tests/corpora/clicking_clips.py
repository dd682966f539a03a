"""The astronaut's photograph moved like a video, in which a picture flashes and a sound clicks."""

import cv2
import numpy as np
import soundfile
from skimage import data

from orate.media.video import VideoWriter

FPS, FLASH_FRAME, SOUND_RATE = 25, 12, 44_100
HEIGHT, WIDTH = 200, 160


def moved_face(count, flash=FLASH_FRAME, way=0):
    """(count, HEIGHT, WIDTH, 3) uint8; one frame is brighter. Each ``way`` is another film."""
    photo = data.astronaut()
    frames = []
    for k in range(count):
        x, y = 145 + 3 * np.sin(k / 5 + way), 25 + 2 * np.cos(k / 4 + way)
        part = cv2.warpAffine(photo, np.array([[1, 0, -x], [0, 1, -y]]), (WIDTH, HEIGHT))
        frames.append(np.clip(part * (1.3 if k == flash else 0.9), 0, 255).astype(np.uint8))
    return np.stack(frames)


def click(seconds, click_s=FLASH_FRAME / FPS, way=0):
    """A quiet tone with a loud burst of 10 ms, (n,) float32 at SOUND_RATE."""
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    tone = 0.02 * np.sin(2 * np.pi * (220 + 70 * way) * time)
    burst = (time >= click_s) & (time < click_s + 0.01)
    return np.where(burst, 0.9 * np.sin(2 * np.pi * 1500 * time), tone).astype(np.float32)


def write_clip(path, frames, sound):
    """H.264 and AAC."""
    wave = path.with_suffix(".wav")
    soundfile.write(wave, sound, SOUND_RATE)
    with VideoWriter(path, frames.shape[2], frames.shape[1], FPS, audio=wave) as writer:
        for frame in frames:
            writer.write(frame)
