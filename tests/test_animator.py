"""The animator with a model of a few maps and random weights: which frame comes when, however the sound is cut."""

import itertools
import tracemalloc
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from sound_pieces import cut
from tiny_model import CROP, RATE, save_tiny_model

from orate import Animator, OrateError
from orate.animator import resampled
from orate.media.audio import audio_duration
from orate.media.video import read_video, video_info

ROOT = Path(__file__).parents[1]
PHOTO_SIZE = (203, 151)  # odd, height x width


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model's folder, for crops of 32 x 24; its random weights are large, so that what it draws moves."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def animator(model):
    return Animator.from_pretrained(model, device="cpu", engine="torch")


@pytest.fixture(scope="module")
def photo():
    """The face of examples/portrait.jpg, (203, 151, 3) uint8."""
    picture = Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB")
    width, height = picture.size
    box = (round(0.25 * width), 0, round(0.25 * width) + round(0.42 * width), round(0.42 * width * 203 / 151))
    assert box[3] <= height
    return np.asarray(picture.resize(PHOTO_SIZE[::-1], box=box))


@pytest.fixture(scope="module")
def source(animator, photo):
    return animator.prepare(photo)


def speech(seconds, rate=RATE, seed=0):
    """(n,) float32: noise whose loudness changes all the time."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    level = np.interp(
        np.arange(count) / rate, np.arange(ceil(seconds * 10) + 2) / 10, random.random(ceil(seconds * 10) + 2)
    )
    return (0.5 * level * random.standard_normal(count)).clip(-1, 1).astype(np.float32)


def frames(animator, source, chunks, **options):
    return np.stack(list(animator.stream(source, chunks, **{"rate": RATE, "crop": True, **options})))


def test_the_crop_is_the_models_and_follows_the_sound(animator, source):
    video = frames(animator, source, [speech(1.0)])
    assert video.shape == (25, *CROP, 3)
    assert video.dtype == np.uint8
    assert np.abs(np.diff(video.astype(int), axis=0)).mean() > 0.2
    other = frames(animator, source, [speech(1.0, seed=1)])
    assert not np.array_equal(video, other)


@pytest.mark.parametrize("rate", [RATE, 16_000, 44_100, 11_025])
@pytest.mark.parametrize("seconds", [0.01, 0.04, 0.05, 0.333, 1.0, 1.9999])
def test_as_many_frames_as_the_sound_is_long(animator, source, rate, seconds):
    samples = speech(seconds, rate)
    count = len(frames(animator, source, [samples], rate=rate))
    assert abs(count - len(samples) / rate * 25) <= 1
    assert count >= len(samples) / rate * 25 - 1e-2  # the last frame reaches the end of the sound


@pytest.mark.parametrize("fps", [1, 3.7, 12, 24000 / 1001, 25, 30, 50, 120])
def test_frame_rates(animator, source, fps):
    count = len(frames(animator, source, [speech(1.3)], fps=fps))
    assert count == ceil(1.3 * fps - 1e-6)


def test_no_sound_no_frames(animator, source):
    assert list(animator.stream(source, [], rate=RATE)) == []
    assert list(animator.stream(source, [np.zeros(0, np.float32)] * 3, rate=44_100)) == []


CUTS = {"one by one": [1], "odd": [37, 1, 0, 1013], "longer than a second": [9001], "10 ms": [80]}


@pytest.mark.parametrize("sizes", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize(("rate", "fps"), [(RATE, None), (RATE, 30), (RATE, 2), (11_025, None), (44_100, 30)])
def test_how_the_sound_is_cut_makes_no_difference(animator, source, sizes, rate, fps):
    samples = speech(0.6 if sizes == [1] else 1.5, rate)
    whole = frames(animator, source, [samples], rate=rate, fps=fps)
    assert np.array_equal(frames(animator, source, cut(samples, sizes), rate=rate, fps=fps), whole)


def test_both_engines_and_the_fast_one_in_pieces(model, source):
    fast, exact = (Animator.from_pretrained(model, device="cpu", engine=engine) for engine in ("openvino", "torch"))
    samples = speech(1.0)
    whole = frames(fast, source, [samples])
    assert np.array_equal(frames(fast, source, cut(samples, [499])), whole)
    assert np.abs(whole.astype(int) - frames(exact, source, [samples])).mean() < 2


def test_the_frames_are_those_of_the_network(animator, model, source):
    """Against the generator itself, on all the sound at once."""
    from orate.models.checkpoint import load_model
    from orate.models.windows import cut_windows

    generator, samples = load_model(model), speech(0.8)
    windows = cut_windows(torch.from_numpy(samples), generator.config)
    random = torch.Generator().manual_seed(5)
    noise = torch.stack([torch.randn(generator.config.noise_code, generator=random) for _ in windows])
    crop = torch.from_numpy(source.crop.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        video = generator(crop, windows[None], noise[None] * generator.config.noise_std)[0]
    expected = ((video + 1) * 127.5).round().permute(0, 2, 3, 1).numpy()
    made = frames(animator, source, [samples], seed=5)
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() <= 1


@pytest.mark.parametrize(
    ("rate", "fps", "delay_s"), [(RATE, None, 0), (RATE, 30, 0), (16_000, None, 0.13), (44_100, 50, 0.13)]
)
def test_frames_come_as_soon_as_their_sound_is_there(animator, source, rate, fps, delay_s):
    """Resampling adds its own delay; to as little as 8 kHz more than to the 16 kHz of the bundled model."""
    chunk = round(0.01 * rate)
    given = 0

    def listen():
        nonlocal given
        for piece in cut(speech(1.5, rate), [chunk]):
            given += len(piece)
            yield piece

    waited = []
    for index, _ in enumerate(animator.stream(source, listen(), rate=rate, crop=True, fps=fps)):
        waited.append(given / rate - index / (fps or 25))
    early = waited[: len(waited) - 10]  # the last ones need not wait: the sound is over
    assert animator.look_ahead_s == pytest.approx(0.12)
    assert max(early) <= animator.look_ahead_s + 0.01 + delay_s + 1e-3
    assert min(early) >= animator.look_ahead_s - 1e-3


def test_a_frame_depends_on_no_later_sound(animator, source):
    samples = speech(1.5)
    other = samples.copy()
    other[RATE:] = speech(0.5, seed=9)
    first, second = (frames(animator, source, [one]) for one in (samples, other))
    same = (first == second).all((1, 2, 3))
    last_safe = int((1.0 - animator.look_ahead_s) * 25)
    assert same[: last_safe + 1].all()
    assert not same.all()


def test_sound_without_end(animator, source):
    """A thousand frames of an endless sound: lazily, and in flat memory."""
    pieces = 0

    def silence():
        nonlocal pieces
        while True:
            pieces += 1
            yield np.zeros(4 * RATE // 25, np.float32)

    stream = animator.stream(source, silence(), rate=RATE, crop=True)
    assert pieces == 0
    for _ in itertools.islice(stream, 100):
        pass
    tracemalloc.start()
    for _ in itertools.islice(stream, 100):
        pass
    early, _ = tracemalloc.get_traced_memory()
    for _ in itertools.islice(stream, 800):
        pass
    late, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pieces <= 1000 / 4 + 2
    assert late - early < 100_000
    assert peak < 5_000_000


def test_seeds(animator, source):
    samples = speech(0.5)
    assert np.array_equal(frames(animator, source, [samples], seed=3), frames(animator, source, [samples], seed=3))
    assert not np.array_equal(frames(animator, source, [samples], seed=3), frames(animator, source, [samples], seed=4))


def test_two_videos_at_a_time(animator, source):
    """Streams share the networks, and nothing else."""
    first, second = speech(0.7), speech(0.7, seed=2)
    alone = frames(animator, source, [first], seed=1)
    streams = [animator.stream(source, cut(one, [300]), rate=RATE, crop=True, seed=1) for one in (first, second)]
    both = list(zip(*streams, strict=True))
    assert np.array_equal(np.stack([one for one, _ in both]), alone)


def test_nothing_changes_outside_the_face(animator, source, photo):
    video = frames(animator, source, [speech(0.5)], crop=False)
    assert video.shape == (13, *PHOTO_SIZE, 3)
    untouched = (video == photo).all((0, 3))
    changed_rows, changed_columns = (~untouched).any(1).nonzero()[0], (~untouched).any(0).nonzero()[0]
    assert len(changed_rows), "the face moves"
    points = source.face.landmarks[:, :2]
    low, high = points.min(0), points.max(0)
    margin = 0.15 * (high - low)
    assert changed_columns.min() >= low[0] - margin[0]
    assert changed_columns.max() <= high[0] + margin[0]
    assert changed_rows.min() >= low[1] - margin[1]
    assert changed_rows.max() <= high[1] + margin[1]
    assert untouched[0].all()
    assert untouched[:, 0].all()


def test_the_papers_model_does_not_say_where_it_moves(animator, source):
    assert animator.moving(source) is None


def test_the_chosen_face_moves_and_the_other_does_not(animator, photo):
    small = np.asarray(Image.fromarray(photo).resize((106, 142)))
    two = np.full((PHOTO_SIZE[0], 300, 3), 90, np.uint8)
    two[:, : PHOTO_SIZE[1]], two[30:172, 180:286] = photo, small
    for face, side in ((1, slice(0, 165)), (2, slice(165, None))):
        video = frames(animator, two, [speech(0.5)], crop=False, face=face)
        changed = (video != two).any((0, 3))
        assert changed[:, side].any()
        changed[:, side] = False
        assert not changed.any()


def test_a_prepared_source_gives_the_same_and_is_not_changed(animator, source, photo):
    before = source.photo.copy(), source.crop.copy()
    samples = speech(0.3)
    one, two = (frames(animator, source, [samples], crop=False) for _ in range(2))
    three = frames(animator, photo, [samples], crop=False)
    assert np.array_equal(one, two)
    assert np.array_equal(one, three)
    assert np.array_equal(source.photo, before[0])
    assert np.array_equal(source.crop, before[1])


def test_samples_that_are_no_numbers_are_silence(animator, source):
    samples = speech(0.5)
    samples[100:900] = 0
    spoilt = samples.copy()
    spoilt[100:300], spoilt[300:600], spoilt[600:900] = np.nan, np.inf, -np.inf
    assert np.array_equal(frames(animator, source, [spoilt]), frames(animator, source, [samples]))
    double = frames(animator, source, [samples.astype(np.float64)])
    assert np.array_equal(double, frames(animator, source, [samples]))


@pytest.mark.parametrize(
    ("options", "told"),
    [({"fps": 0.5}, "0.5 frames a second"), ({"fps": 500}, "1 to 120"), ({"rate": 0}, "0 samples a second")],
)
def test_options_out_of_range_are_told_at_once(animator, source, options, told):
    with pytest.raises(OrateError, match=told):
        animator.stream(source, [], **{"rate": RATE, **options})


@pytest.mark.parametrize("chunk", [np.zeros((10, 2), np.float32), np.zeros(10, np.int16)], ids=["stereo", "integers"])
def test_other_kinds_of_sound_are_refused(animator, source, chunk):
    with pytest.raises(OrateError, match="one-dimensional arrays of floating point"):
        list(animator.stream(source, [chunk], rate=RATE))


def test_photos_without_a_usable_face(animator, photo, tmp_path):
    with pytest.raises(OrateError, match="the picture"):
        animator.stream(np.zeros((200, 200, 3), np.uint8), [], rate=RATE)
    with pytest.raises(OrateError, match="face"):
        animator.prepare(photo, face=2)
    with pytest.raises(OrateError, match=r"missing\.jpg"):
        animator.prepare(tmp_path / "missing.jpg")


def test_resampling_keeps_length_and_pitch():
    time_s = np.arange(44_100) / 44_100
    tone = np.sin(2 * np.pi * 440 * time_s).astype(np.float32)
    made = np.concatenate(list(resampled(cut(tone, [777]), 44_100, RATE)))
    assert abs(len(made) - RATE) <= 1
    expected = np.sin(2 * np.pi * 440 * np.arange(len(made)) / RATE)
    assert np.abs(made - expected)[200:-200].max() < 1e-3


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_resampling_waits_little(rate):
    given = made = 0
    worst_s = 0.0

    def listen():
        nonlocal given
        for piece in cut(speech(2.0, rate), [rate // 100]):
            given += len(piece)
            yield piece

    for block in itertools.islice(resampled(listen(), rate, 16_000), 95):
        worst_s = max(worst_s, given / rate - made / 16_000)
        made += len(block)
    assert made > 16_000
    assert worst_s < 0.07


def test_devices(model):
    with pytest.raises(OrateError, match="no device 'tpu'"):
        Animator.from_pretrained(model, device="tpu")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    for name in (name for name, available in there.items() if not available):
        with pytest.raises(OrateError, match=name):
            Animator.from_pretrained(model, device=name)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """1.23 s at 44.1 kHz, stereo."""
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    soundfile.write(path, np.stack([speech(1.23, 44_100)] * 2, 1), 44_100)
    return path


@pytest.mark.parametrize("fps", [25.0, 30.0])
def test_animate_writes_a_video(animator, source, sound, tmp_path, fps):
    told = []
    output = animator.animate(source, sound, tmp_path / "out.mp4", seed=3, fps=fps, progress=lambda *n: told.append(n))
    assert output == tmp_path / "out.mp4"
    info = video_info(output)
    assert (info.width, info.height) == (PHOTO_SIZE[1] + 1, PHOTO_SIZE[0] + 1)
    assert info.fps == pytest.approx(fps)
    count = ceil(1.23 * fps)
    assert told == [(done, count) for done in range(1, count + 1)]
    assert len(list(read_video(output))) == count
    assert audio_duration(output) == pytest.approx(1.23, abs=1e-3)
    assert info.metadata["seed"] == "3"
    assert "Generated by orate" in info.metadata["comment"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_animate_the_crop_alone_from_a_file(animator, sound, tmp_path):
    output = animator.animate(ROOT / "examples" / "portrait.jpg", sound, tmp_path / "face.mp4", crop=True)
    info = video_info(output)
    assert (info.height, info.width) == CROP


def test_the_video_shows_what_stream_yields(animator, source, tmp_path):
    samples = (speech(0.6) * 32767).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    output = animator.animate(source, tmp_path / "a.wav", tmp_path / "a.mp4", seed=2)
    expected = frames(animator, source, [samples / np.float32(32768)], crop=False, seed=2)
    shown = np.stack([frame.image for frame in read_video(output)])[:, : PHOTO_SIZE[0], : PHOTO_SIZE[1]]
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 3


def test_an_error_half_way_leaves_no_video(animator, source, sound, tmp_path):
    def stop(done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        animator.animate(source, sound, tmp_path / "out.mp4", progress=stop)
    assert list(tmp_path.iterdir()) == []
