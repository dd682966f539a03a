"""Clips that are in a corpus twice: the same recording, whatever it was encoded with.

A fingerprint is 170 hexadecimal digits: two for the length, 8 for 32 bits that say in which moments there is sound, 128
for 512 bits of the sound, 32 for 128 bits of the picture.

The sound's bits follow Haitsma and Kalker (A Highly Robust Audio Fingerprinting System, 2002, section 4.2): whether
the difference of two neighbouring bands grows or shrinks from one moment to the next. They are taken around the middle
of the sound's energy, so that a few frames more or less at an end change little. The picture's bits say of the clip's
mean crop which of two neighbouring fields is lighter. Both must agree: a speaker says a sentence again before the same
wall, and one recording of a voice goes with the pictures of two cameras.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
import soxr
from numpy.typing import NDArray

RATE_HZ = 16_000
WINDOW, HOP = 2048, 1024  # samples: 128 ms every 64 ms
MOMENTS, BANDS = 32, 16  # of whose differences the bits are made: two seconds
BANDS_HZ = np.geomspace(200, 3600, BANDS + 2)
RANGE_DB = 40.0  # what is softer differs by the codec alone
MAX_MOMENTS_APART = 3  # in length, of two clips that are the same

PICTURE_SIZE = (9, 16)  # width, height in fields: 8 x 16 differences
SOUND_BITS, PICTURE_BITS = MOMENTS * BANDS, 128
DIGITS = 2 + (MOMENTS + SOUND_BITS + PICTURE_BITS) // 4
HEARD = 0.5  # of the bands of a moment are not out of range: its bits count
LEAST_HEARD = 8  # moments in which both clips are heard: less sound says too little
# Of the bits that count, of clips heard in many moments and in few: GRID's other clips differ in 0.30 and 0.23.
MAX_SOUND_ERRORS, MAX_SOUND_ERRORS_OF_FEW, MANY_HEARD = 0.22, 0.18, 14
MAX_PICTURE_ERRORS = 20

TABLES, KEY_BITS = 24, 12
KEY_MOMENTS = 16  # in the middle: of them every clip has sound


def fingerprint(frames: NDArray[np.uint8], audio: NDArray[np.float32], rate: int) -> str:
    """The fingerprint of a clip.

    Args:
        frames: (T, height, width, 3) uint8 RGB, canonical crops.
        audio: (n,) in [-1, 1].
        rate: of the sound, Hz.
    """
    length = min(255, round(len(audio) / rate * RATE_HZ / HOP))
    bits = np.concatenate([*_sound_bits(audio, rate), _picture_bits(frames)])
    return f"{length:02x}{np.packbits(bits).tobytes().hex()}"


class DuplicateFinder:
    """Finds repetitions as clips come in; to be used in one fixed order, for the first of equal clips stays.

    Not every pair is compared: clips meet in tables that are sorted by 12 of the sound's bits. Of two clips that differ
    in an eighth of these bits, 99% meet in one of the 24 tables.
    """

    def __init__(self) -> None:
        choice = np.random.default_rng(0)
        first = (MOMENTS - KEY_MOMENTS) // 2 * BANDS
        places = [choice.choice(KEY_MOMENTS * BANDS, KEY_BITS, replace=False) + first for _ in range(TABLES)]
        self._places: list[list[int]] = [(SOUND_BITS - 1 - one).tolist() for one in places]
        self._tables: list[defaultdict[int, list[int]]] = [defaultdict(list) for _ in range(TABLES)]
        self._clips: list[_Mark] = []

    def find(self, key: str, fingerprint: str) -> str | None:
        """The key of the earlier clip that this one repeats; None when there is none, and the clip is remembered.

        To take up an interrupted run, call it for the clips of the finished part in the same order. A clip with an
        empty fingerprint repeats nothing.
        """
        if len(fingerprint) != DIGITS:
            return None
        mark = _read(key, fingerprint)
        addresses = [sum((mark.sound >> place & 1) << n for n, place in enumerate(one)) for one in self._places]
        candidates = {number for table, at in zip(self._tables, addresses, strict=True) for number in table.get(at, ())}
        for number in sorted(candidates):
            if _same(mark, self._clips[number]):
                return self._clips[number].key
        for table, at in zip(self._tables, addresses, strict=True):
            table[at].append(len(self._clips))
        self._clips.append(mark)
        return None


@dataclass(frozen=True, slots=True)
class _Mark:
    """A clip's fingerprint, read."""

    key: str
    length: int
    heard: int
    sound: int
    picture: int


def _read(key: str, fingerprint: str) -> _Mark:
    ends = np.cumsum([2, MOMENTS // 4, SOUND_BITS // 4, PICTURE_BITS // 4]).tolist()
    length, heard, sound, picture = (int(fingerprint[a:b], 16) for a, b in zip([0, *ends[:-1]], ends, strict=True))
    return _Mark(key, length, heard, sound, picture)


def _same(first: _Mark, second: _Mark) -> bool:
    if abs(first.length - second.length) > MAX_MOMENTS_APART:
        return False
    if (first.picture ^ second.picture).bit_count() > MAX_PICTURE_ERRORS:
        return False
    if (first.heard & second.heard).bit_count() < LEAST_HEARD:
        return False
    heard = (first.heard | second.heard).bit_count()
    allowed = MAX_SOUND_ERRORS if heard >= MANY_HEARD else MAX_SOUND_ERRORS_OF_FEW
    return (first.sound ^ second.sound).bit_count() <= allowed * BANDS * heard


def _sound_bits(audio: NDArray[np.float32], rate: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which moments count, (32,), and the bits (512,): the moments in order, of each the bands from low to high."""
    sound = np.asarray(audio if rate == RATE_HZ else soxr.resample(audio, rate, RATE_HZ), np.float64)
    reach = WINDOW + HOP * MOMENTS
    padded = np.pad(sound, reach)
    energy = np.abs(padded) ** 0.5  # the middle of what is heard, not of the loudest sound
    middle = round(float((energy * np.arange(len(padded))).sum() / energy.sum())) if energy.any() else len(padded) // 2
    first = middle - reach // 2
    pieces = np.stack([padded[first + n * HOP :][:WINDOW] for n in range(MOMENTS + 1)])
    power = np.abs(np.fft.rfft(pieces * np.hanning(WINDOW), axis=1)) ** 2
    lines = np.searchsorted(BANDS_HZ, np.fft.rfftfreq(WINDOW, 1 / RATE_HZ))
    levels = 10 * np.log10(np.stack([power[:, lines == band + 1].sum(1) for band in range(BANDS + 1)], 1) + 1e-12)
    floor = levels.max() - RANGE_DB
    heard = ((levels[1:] > floor) | (levels[:-1] > floor)).mean(1) > HEARD
    change = np.diff(np.diff(np.maximum(levels, floor), axis=1), axis=0)
    return heard, ((change > 0) & heard[:, None]).ravel()


def _picture_bits(frames: NDArray[np.uint8]) -> NDArray[np.bool_]:
    mean = np.zeros(frames.shape[1:], np.float64)
    for frame in frames:  # one by one: memory does not double
        mean += frame
    grey = cv2.cvtColor((mean / len(frames)).astype(np.float32), cv2.COLOR_RGB2GRAY)
    fields = cv2.resize(grey, PICTURE_SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(np.diff(fields, axis=1) > 0).ravel()
