"""The default model from photo and sound to frames: what the contracts of the animator promise."""

import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from weakref import ref

import numpy as np
import pytest
import soundfile
from PIL import Image
from sound_pieces import cut

from orate import Animator, OrateError
from orate.media.video import read_video, video_info

ROOT = Path(__file__).parents[1]
RATE = 16_000
SIZE = (183, 201)  # odd; width, height


@pytest.fixture(scope="module")
def animator():
    return Animator.from_pretrained(engine="torch", device="cpu")


@pytest.fixture(scope="module")
def photo():
    picture = Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB")
    return np.asarray(picture.resize(SIZE, box=(90, 0, 370, 307)))


@pytest.fixture(scope="module")
def source(animator, photo):
    return animator.prepare(photo)


@pytest.fixture(scope="module")
def speech():
    """1.4 s of the example at 16 kHz."""
    from orate.media.audio import read_audio

    return read_audio(ROOT / "examples" / "speech.wav", RATE, start_s=0.5, duration_s=1.4)


def stream(animator, source, chunks, **options):
    return np.stack(list(animator.stream(source, chunks, rate=RATE, **options)))


@pytest.fixture(scope="module")
def video(animator, source, speech):
    return stream(animator, source, [speech], seed=5)


def test_frames_have_the_photos_size_and_cover_the_sound(video, photo):
    assert video.shape == (ceil(1.4 * 25), *photo.shape)
    assert video.dtype == np.uint8


def test_the_mouth_moves_with_the_sound_and_rests_in_silence(animator, source, speech, video):
    options = {"head_motion": 0, "blink_rate": 0, "gaze": "photo", "brow_strength": 0}
    still = stream(animator, source, [np.zeros(len(video) * 640, np.float32)], **options)
    spoken = stream(animator, source, [speech], **options)
    silent, speaking = (np.abs(np.diff(frames[8:].astype(int), axis=0)).mean() for frames in (still, spoken))
    assert speaking > 0.05
    assert silent < 0.1 * speaking


@pytest.mark.parametrize("sizes", [[160], [7, 1000, 33], [5000]])
def test_the_same_frames_however_the_sound_is_cut(animator, source, speech, video, sizes):
    np.testing.assert_array_equal(stream(animator, source, cut(speech, sizes), seed=5), video)


def test_the_seed_decides(animator, source, speech, video):
    np.testing.assert_array_equal(stream(animator, source, [speech], seed=5), video)
    assert np.any(stream(animator, source, [speech], seed=6) != video)


def test_a_stream_waits_no_longer_than_it_says(animator, source, speech):
    given = 0

    def listen():
        nonlocal given
        for piece in cut(speech, [320]):
            given += len(piece)
            yield piece

    assert animator.look_ahead_s <= 0.2
    for index, _ in enumerate(animator.stream(source, listen(), rate=RATE)):
        assert given / RATE <= min(index / 25 + animator.look_ahead_s + 0.02, len(speech) / RATE) + 1e-6


@pytest.mark.parametrize("body", ["rest", "follow"])
def test_outside_the_moving_region_nothing_changes(animator, source, speech, body):
    moving = animator.moving(source, body=body)
    assert moving.shape == source.photo.shape[:2]
    assert not moving.all()
    options = {"head_motion": 1.5, "mouth_strength": 2, "brow_strength": 2, "emotion": "surprise", "body": body}
    frames = stream(animator, source, [speech[:12_800]], **options)
    changed = (frames != source.photo).any((0, 3))
    assert not changed[~moving].any()
    # A region so generous that half of it never changes would say little.
    assert np.mean(changed[moving]) > 0.5


def test_more_moves_where_the_body_follows(animator, source):
    rest, follow = (animator.moving(source, body=body) for body in ("rest", "follow"))
    assert follow.sum() > rest.sum()


def test_grey_stays_grey(animator, photo, speech):
    grey = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    frames = stream(animator, animator.prepare(grey), [speech[:9600]]).astype(int)
    assert np.ptp(frames, axis=-1).max() <= 2


def test_the_crop_alone(animator, source, speech):
    assert stream(animator, source, [speech[:3200]], crop=True).shape == (5, 128, 96, 3)


def test_no_sound_no_frames(animator, source):
    assert list(animator.stream(source, [], rate=RATE)) == []


WAYS = [
    {"seed": 5},
    {"seed": 6, "emotion": "happy", "head_motion": 1.5},
    {"seed": 5, "body": "follow", "blink_rate": 60},
    {"seed": 5, "body": "follow", "mouth_strength": 2, "fps": 12.5},
]


@pytest.fixture(scope="module")
def fast():
    return Animator.from_pretrained(engine="openvino", device="cpu")


@pytest.fixture(scope="module")
def alone(fast, photo, speech):
    """What each way gives on a source of its own."""
    return [stream(fast, photo, cut(speech[:9600], [1000]), **way) for way in WAYS]


def test_streams_of_one_source_in_turns(fast, photo, speech, alone):
    source = fast.prepare(photo)
    streams = [fast.stream(source, cut(speech[:9600], [1000]), rate=RATE, **way) for way in WAYS]
    given = [[] for _ in WAYS]
    for index in range(max(map(len, alone))):
        for frames, running in zip(given, streams, strict=True):
            frames += [frame for frame in [next(running, None)] if frame is not None]
        assert any(len(frames) == index + 1 for frames in given)
    for frames, expected in zip(given, alone, strict=True):
        np.testing.assert_array_equal(frames, expected)


def test_streams_of_one_source_in_threads(fast, photo, speech, alone):
    source = fast.prepare(photo)
    with ThreadPoolExecutor(len(WAYS)) as pool:
        running = [pool.submit(stream, fast, source, cut(speech[:9600], [1000]), **way) for way in WAYS]
        for future, expected in zip(running, alone, strict=True):
            np.testing.assert_array_equal(future.result(), expected)


@pytest.fixture
def made(monkeypatch):
    """References to the layers that are made in a test."""
    from orate.animator import layered

    references = []

    class Noted(layered.Layers):
        def __init__(self, source):
            super().__init__(source)
            references.append(ref(self))

    monkeypatch.setattr(layered, "Layers", Noted)
    return references


def test_a_prepared_photos_layers_are_made_once_and_go_with_it(animator, photo, speech, made):
    source = animator.prepare(photo)
    assert len(made) == 1
    for body in ("rest", "follow"):
        next(animator.stream(source, [speech], rate=RATE, body=body))
    next(animator.whole(source, speech))
    assert len(made) == 1
    del source
    gc.collect()
    assert made[0]() is None


def test_another_animators_source_serves_too(animator, fast, photo, speech, made):
    source = fast.prepare(photo)
    first, second = (stream(animator, source, [speech[:3200]]) for _ in range(2))
    assert len(made) == 2
    np.testing.assert_array_equal(first, stream(animator, photo, [speech[:3200]]))
    np.testing.assert_array_equal(first, second)


def test_sources_are_compared_as_objects_and_can_be_sent(animator, source, photo, speech):
    assert source == source
    assert source != animator.prepare(photo)
    assert len({source, source}) == 1
    sent = pickle.loads(pickle.dumps(source))  # noqa: S301 - ours
    np.testing.assert_array_equal(stream(animator, sent, [speech[:1600]]), stream(animator, source, [speech[:1600]]))


def test_nothing_is_put_off_to_the_first_frame(speech, photo, monkeypatch):
    """Networks are made ready for their windows while they load."""
    from orate.models.engines.speech_engine import OpenVinoSpeechEngine

    made = []
    compiled = OpenVinoSpeechEngine._compile

    def noting(self, spectra):
        made.append(spectra)
        return compiled(self, spectra)

    monkeypatch.setattr(OpenVinoSpeechEngine, "_compile", noting)
    animator = Animator.from_pretrained(engine="openvino", device="cpu")
    ready = sorted(made)
    source = animator.prepare(photo)
    next(animator.stream(source, [speech], rate=RATE))
    next(animator.whole(source, speech))
    assert sorted(made) == ready
    assert len(made) == 2


@pytest.mark.parametrize("fps", [12.5, 25.0, 30.0])
def test_a_video_as_long_as_its_sound(animator, source, speech, tmp_path, fps):
    soundfile.write(tmp_path / "speech.wav", speech, RATE)
    output = animator.animate(source, tmp_path / "speech.wav", tmp_path / "out.mp4", fps=fps, emotion="happy")
    info = video_info(output)
    assert info.fps == pytest.approx(fps)
    assert len(list(read_video(output))) == ceil(1.4 * fps - 1e-6)
    assert "Generated by orate" in info.metadata["comment"]


def test_the_papers_model_has_no_controls():
    with pytest.raises(OrateError, match=r"knows no emotion.*default"):
        Animator.from_pretrained("paper", engine="torch").stream("me.jpg", [], rate=RATE, emotion="sad")


def test_damaged_weights_are_named(tmp_path):
    from shutil import copytree

    from orate.models.checkpoint import find_model

    folder = copytree(find_model("default"), tmp_path / "mine")
    weights = folder / "motion.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(OrateError, match=r"motion\.safetensors"):
        Animator.from_pretrained(folder)
