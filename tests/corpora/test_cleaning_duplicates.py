"""The same recording is found again whatever it was encoded with; the same sentence said again is another."""

import io
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile
import soxr
from skimage import data

from orate.corpora.cleaning.duplicates import DIGITS, DuplicateFinder, fingerprint

RATE = 22_050
PIECE = round(2.0 * RATE)


@pytest.fixture(scope="module")
def speech():
    sound, rate = soundfile.read(Path(__file__).parents[2] / "examples" / "speech.wav", dtype="float32")
    assert rate == RATE
    return sound


@pytest.fixture(scope="module")
def face():
    crop = cv2.resize(data.astronaut()[20:200, 150:285], (96, 128), interpolation=cv2.INTER_AREA)
    return np.repeat(crop[None], 5, 0)


def encoded(sound, codec, container, bit_rate):
    """Through a lossy codec and back."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=RATE, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        size = stream.codec_context.frame_size
        cut = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=RATE, frame_size=size)
        for piece in [*cut.resample(frame), *cut.resample(None), None]:
            out.mux(stream.encode(piece))
    file.seek(0)
    with av.open(file) as read:
        return np.concatenate([part.to_ndarray()[0] for part in read.decode(audio=0)]).astype(np.float32)


def found(first, second):
    finder = DuplicateFinder()
    assert finder.find("first", first) is None
    return finder.find("second", second)


def test_encoded_again(speech, face):
    sound = speech[:PIECE]
    original = fingerprint(face, sound, RATE)
    assert len(original) == DIGITS
    for codec, container, bit_rate in (("libmp3lame", "mp3", 48_000), ("aac", "adts", 64_000)):
        assert found(original, fingerprint(face, encoded(sound, codec, container, bit_rate), RATE)) == "first"
    small = [cv2.resize(frame, (48, 64), interpolation=cv2.INTER_AREA) for frame in face]
    rough = np.stack([cv2.imdecode(cv2.imencode(".jpg", frame, [1, 20])[1], 1) for frame in small])
    back = np.stack([cv2.resize(frame, (96, 128)) for frame in rough])
    assert found(original, fingerprint(back, 0.4 * soxr.resample(sound, RATE, 48_000), 48_000)) == "first"


def test_a_little_more_or_less_at_the_ends(speech, face):
    sound = np.concatenate([np.zeros(RATE // 5, np.float32), speech[:PIECE]])
    original = fingerprint(face, sound, RATE)
    assert found(original, fingerprint(face, sound[round(0.04 * RATE) :], RATE)) == "first"
    assert found(original, fingerprint(face, np.pad(sound, (round(0.04 * RATE), 0)), RATE)) == "first"


def test_other_sound_other_face_other_length(speech, face):
    original = fingerprint(face, speech[:PIECE], RATE)
    assert found(original, fingerprint(face, speech[PIECE : 2 * PIECE], RATE)) is None
    assert found(original, fingerprint(np.ascontiguousarray(face[:, :, ::-1]), speech[:PIECE], RATE)) is None
    assert found(original, fingerprint(face, speech[: 2 * PIECE], RATE)) is None


def test_silence_makes_no_two_clips_alike(speech, face):
    pieces = [np.pad(speech[first : first + RATE // 5], (0, RATE)) for first in (RATE, 2 * RATE)]
    assert found(*(fingerprint(face, piece, RATE) for piece in pieces)) is None


def test_the_first_stays_and_an_interrupted_run_is_taken_up(speech, face):
    marks = [fingerprint(face, speech[first : first + PIECE], RATE) for first in (0, PIECE // 2)]
    finder = DuplicateFinder()
    order = [("a", marks[0]), ("b", marks[1]), ("c", marks[0]), ("d", marks[0]), ("e", ""), ("f", "")]
    assert [finder.find(*clip) for clip in order] == [None, None, "a", "a", None, None]
    again = DuplicateFinder()
    for clip in order[:2]:  # what was kept so far
        again.find(*clip)
    assert again.find("c", marks[0]) == "a"


def test_a_tenth_of_the_bits_may_differ(speech, face):
    mark = fingerprint(face, speech[:PIECE], RATE)
    for seed in range(20):
        heard = np.repeat(np.unpackbits(np.frombuffer(bytes.fromhex(mark[2:10]), np.uint8)), 16)
        flips = (np.random.default_rng(seed).random(512) < 0.1) & (heard > 0)
        sound = int(mark[10:138], 16) ^ int(np.packbits(flips).tobytes().hex(), 16)
        assert found(mark, f"{mark[:10]}{sound:0128x}{mark[138:]}") == "first"


def test_many_clips_do_not_meet_all_others():
    random = np.random.default_rng(0)
    marks = [f"20ffffffff{random.bytes(64).hex()}{'0' * 32}" for _ in range(1500)]
    finder = DuplicateFinder()
    assert all(finder.find(str(number), mark) is None for number, mark in enumerate(marks))
    sizes = [len(numbers) for table in finder._tables for numbers in table.values()]
    assert max(sizes) < 12
