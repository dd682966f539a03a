"""Clips that are in a corpus twice: the same recording, whatever it was encoded with.

A fingerprint is 96 hexadecimal digits: 256 bits of the sound and 128 bits of the picture.

The sound's bits follow Haitsma and Kalker (A Highly Robust Audio Fingerprinting System, 2002, section 4.2): whether
the difference of two neighbouring bands grows or shrinks from one moment to the next. They are taken around the middle
of the sound's energy, so that a few frames more or less at an end change little. The picture's bits say of the clip's
mean crop which of two neighbouring fields is lighter. Both must agree: a speaker says a sentence again before the same
wall, and one recording of a voice goes with the pictures of two cameras.
"""

from __future__ import annotations

from collections import defaultdict

import cv2
import numpy as np
import soxr
from numpy.typing import NDArray

RATE_HZ = 16_000
WINDOW, HOP = 2048, 1024  # samples: 128 ms every 64 ms
MOMENTS, BANDS = 17, 17  # of which the differences make 16 x 16 bits
BANDS_HZ = np.geomspace(200, 3600, BANDS + 1)
RANGE_DB = 40.0  # what is softer differs by the codec alone

PICTURE_SIZE = (9, 16)  # width, height in fields: 8 x 16 differences
SOUND_BITS, PICTURE_BITS = 256, 128
DIGITS = (SOUND_BITS + PICTURE_BITS) // 4
MAX_SOUND_ERRORS, MAX_PICTURE_ERRORS = 64, 20

TABLES, KEY_BITS = 24, 12


def fingerprint(frames: NDArray[np.uint8], audio: NDArray[np.float32], rate: int) -> str:
    """The fingerprint of a clip.

    Args:
        frames: (T, height, width, 3) uint8 RGB, canonical crops.
        audio: (n,) in [-1, 1].
        rate: of the sound, Hz.
    """
    bits = np.concatenate([_sound_bits(audio, rate), _picture_bits(frames)])
    return np.packbits(bits).tobytes().hex()


class DuplicateFinder:
    """Finds repetitions as clips come in; to be used in one fixed order, for the first of equal clips stays.

    Not every pair is compared: clips meet in tables that are sorted by 12 of the sound's bits. Of two clips that differ
    in an eighth of these bits, 99% meet in one of the 24 tables.
    """

    def __init__(self) -> None:
        choice = np.random.default_rng(0)
        self._places = [choice.choice(SOUND_BITS, KEY_BITS, replace=False).tolist() for _ in range(TABLES)]
        self._tables: list[defaultdict[int, list[int]]] = [defaultdict(list) for _ in range(TABLES)]
        self._clips: list[tuple[str, int, int]] = []

    def find(self, key: str, fingerprint: str) -> str | None:
        """The key of the earlier clip that this one repeats; None when there is none, and the clip is remembered.

        To take up an interrupted run, call it for the clips of the finished part in the same order. A clip with an
        empty fingerprint repeats nothing.
        """
        if len(fingerprint) != DIGITS:
            return None
        whole = int(fingerprint, 16)
        sound, picture = whole >> PICTURE_BITS, whole & (1 << PICTURE_BITS) - 1
        addresses = [sum((sound >> place & 1) << n for n, place in enumerate(places)) for places in self._places]
        candidates = {number for table, at in zip(self._tables, addresses, strict=True) for number in table.get(at, ())}
        for number in sorted(candidates):
            earlier, other_sound, other_picture = self._clips[number]
            alike = (sound ^ other_sound).bit_count() <= MAX_SOUND_ERRORS
            if alike and (picture ^ other_picture).bit_count() <= MAX_PICTURE_ERRORS:
                return earlier
        for table, at in zip(self._tables, addresses, strict=True):
            table[at].append(len(self._clips))
        self._clips.append((key, sound, picture))
        return None


def _sound_bits(audio: NDArray[np.float32], rate: int) -> NDArray[np.bool_]:
    sound = np.asarray(audio if rate == RATE_HZ else soxr.resample(audio, rate, RATE_HZ), np.float64)
    half = WINDOW + HOP * (MOMENTS - 1)
    padded = np.pad(sound, half)
    energy = np.abs(padded) ** 0.5  # the middle of what is heard, not of the loudest sound
    middle = round(float((energy * np.arange(len(padded))).sum() / max(energy.sum(), 1e-12))) if energy.any() else half
    first = middle - (WINDOW + HOP * (MOMENTS - 1)) // 2
    pieces = np.stack([padded[first + n * HOP :][:WINDOW] for n in range(MOMENTS)])
    power = np.abs(np.fft.rfft(pieces * np.hanning(WINDOW), axis=1)) ** 2
    lines = np.searchsorted(BANDS_HZ, np.fft.rfftfreq(WINDOW, 1 / RATE_HZ))
    levels = 10 * np.log10(np.stack([power[:, lines == band + 1].sum(1) for band in range(BANDS)], 1) + 1e-12)
    levels = np.maximum(levels, levels.max() - RANGE_DB)
    change = np.diff(np.diff(levels, axis=1), axis=0)
    return np.asarray(change > 0).ravel()


def _picture_bits(frames: NDArray[np.uint8]) -> NDArray[np.bool_]:
    mean = np.zeros(frames.shape[1:], np.float64)
    for frame in frames:  # one by one: memory does not double
        mean += frame
    grey = cv2.cvtColor((mean / len(frames)).astype(np.float32), cv2.COLOR_RGB2GRAY)
    fields = cv2.resize(grey, PICTURE_SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(np.diff(fields, axis=1) > 0).ravel()
