"""`orate animate` from the command line to the file: what it writes, and every way it can fail.

Where the weights do not matter, a model of a few maps and random weights runs in this process.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from math import ceil
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image
from tiny_model import RATE, save_tiny_model

from orate.animator import DEFAULT_MODEL, Animator
from orate.cli.main import main
from orate.face.landmarks import FaceLandmarker
from orate.media.audio import audio_duration
from orate.media.video import VideoWriter, read_video, video_info
from orate.models.checkpoint import CONFIG_FILE, WEIGHTS_FILE, bundled_models

ROOT = Path(__file__).parents[1]
PORTRAIT, SPEECH = ROOT / "examples" / "portrait.jpg", ROOT / "examples" / "speech.wav"
TIMEOUT_S = 300
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + 64 * "0" + "\nsize 12345\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model's folder, for crops of 32 x 24; its random weights are large, so that what it draws moves."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A folder with a small photo and half a second of sound, and each kind of bad input."""
    folder = tmp_path_factory.mktemp("media")
    face = Image.open(PORTRAIT).convert("RGB").resize((256, 256))
    face.save(folder / "face.jpg", quality=92)
    two = Image.new("RGB", (400, 256), (90, 90, 90))
    two.paste(face, (0, 0))
    two.paste(face.crop((60, 0, 200, 160)).resize((112, 128)), (272, 40))
    two.save(folder / "two.png")
    Image.new("RGB", (200, 200), (90, 140, 90)).save(folder / "meadow.png")
    (folder / "cut.jpg").write_bytes((folder / "face.jpg").read_bytes()[:5000])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "words.jpg").write_text("This is no picture." * 50)
    sound = (0.3 * np.sin(np.arange(RATE // 2) * 0.3)).astype(np.float32)
    soundfile.write(folder / "speech.wav", sound, RATE)
    data = (folder / "speech.wav").read_bytes()
    (folder / "cut.wav").write_bytes(data[: len(data) // 3])
    (folder / "header.wav").write_bytes(data[:20])
    (folder / "empty.wav").write_bytes(b"")
    (folder / "words.wav").write_text("This is no sound." * 50)
    soundfile.write(folder / "nothing.wav", sound[:0], RATE)
    soundfile.write(folder / "nan.wav", np.full(4000, np.nan, np.float32), RATE, subtype="FLOAT")
    with VideoWriter(folder / "silent.mp4", 64, 64) as video:
        video.write(np.zeros((64, 64, 3), np.uint8))
    return folder


@pytest.fixture
def animate(model, monkeypatch, capfd, tmp_path):
    """Run the command in this process, by default on good inputs: (...) -> (code, stdout, stderr)."""
    monkeypatch.delenv("ORATE_DEBUG", raising=False)
    load = Animator.from_pretrained  # OpenVINO takes a second to compile a model, and the engine does not matter here
    monkeypatch.setattr(Animator, "from_pretrained", lambda name, device: load(name, device=device, engine="torch"))

    def run(media, photo="face.jpg", audio="speech.wav", output=None, *options, chosen=model):
        output = output or tmp_path / "out.mp4"
        with pytest.raises(SystemExit) as ended:
            main(["animate", *map(str, (media / photo, media / audio, "-o", output, "--model", chosen, *options))])
        return ended.value.code, *capfd.readouterr()

    return run


def assert_one_sentence(result, *told):
    code, out, err = result
    assert code == 1, err
    assert out == ""
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    for words in told:
        assert words.lower() in err.lower()


def test_a_small_model_from_the_command_line(animate, media, tmp_path):
    code, out, err = animate(media)
    assert (code, err) == (0, "")
    assert out.replace("\n", "") == str(tmp_path / "out.mp4")
    assert_plays(tmp_path / "out.mp4", size=(256, 256), duration_s=0.5)
    assert animate(media, "face.jpg", "speech.wav", tmp_path / "crop.mp4", "--crop", "-q", "--seed", "4") == (0, "", "")
    assert_plays(tmp_path / "crop.mp4", size=(24, 32), duration_s=0.5)


def test_the_second_face_can_be_chosen(animate, media, tmp_path):
    for face in (1, 2):
        assert animate(media, "two.png", "speech.wav", tmp_path / f"{face}.mp4", "--face", face)[0] == 0
    assert_plays(tmp_path / "2.mp4", size=(400, 256), duration_s=0.5)
    assert (tmp_path / "1.mp4").read_bytes() != (tmp_path / "2.mp4").read_bytes()


@pytest.mark.parametrize(
    ("photo", "told"),
    [
        ("meadow.png", "No face was found"),
        ("cut.jpg", "truncated"),
        ("empty.jpg", "empty"),
        ("words.jpg", "words.jpg"),
        ("missing.jpg", "There is no file"),
        ("speech.wav", "speech.wav"),
        (".", "is a folder"),
    ],
)
def test_bad_photos(animate, media, tmp_path, photo, told):
    assert_one_sentence(animate(media, photo), told)
    assert list(tmp_path.iterdir()) == []


def test_a_face_too_small(animate, media, tmp_path, monkeypatch):
    """At this size the detector finds a face or not; here it does."""
    detect = FaceLandmarker.detect

    def from_afar(landmarker, image):
        return [replace(face, landmarks=0.1 * face.landmarks) for face in detect(landmarker, image)]

    monkeypatch.setattr(FaceLandmarker, "detect", from_afar)
    assert_one_sentence(animate(media), "face.jpg is too small", "at least 24 px")
    assert list(tmp_path.iterdir()) == []


def test_a_face_that_is_not_there(animate, media, tmp_path):
    assert_one_sentence(animate(media, "face.jpg", "speech.wav", None, "--face", "3"), "Face 3", "only one face")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("audio", "told"),
    [
        ("cut.wav", "truncated"),
        ("header.wav", "header.wav"),
        ("empty.wav", "empty"),
        ("words.wav", "words.wav"),
        ("nothing.wav", "no sound"),
        ("nan.wav", "NaN"),
        ("silent.mp4", "no sound"),
        ("missing.wav", "There is no file"),
        ("face.jpg", "face.jpg"),
        (".", "is a folder"),
    ],
)
def test_bad_sound(animate, media, tmp_path, audio, told):
    assert_one_sentence(animate(media, "face.jpg", audio), told)
    assert list(tmp_path.iterdir()) == []


def test_bad_outputs(animate, media, tmp_path):
    missing = tmp_path / "missing" / "out.mp4"
    assert_one_sentence(animate(media, "face.jpg", "speech.wav", missing), "there is no folder", str(missing.parent))
    assert_one_sentence(animate(media, "face.jpg", "speech.wav", tmp_path / "out.gif"), "name it .mp4")
    (tmp_path / "out.mp4").mkdir()
    assert_one_sentence(animate(media), "is a folder")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert list((tmp_path / "out.mp4").iterdir()) == []


def test_a_folder_that_may_not_be_written(animate, media, tmp_path, monkeypatch):
    """Root may write anywhere, so the system's refusal is played."""
    opened = Path.open

    def refuse(path, mode="r", *rest, **options):
        if path.parent == tmp_path and "r" not in mode:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", refuse)
    assert_one_sentence(animate(media), "not writable", str(tmp_path))
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after", [0, 7])
def test_a_disk_that_is_full(animate, media, tmp_path, monkeypatch, after):
    picture = VideoWriter._picture

    def fail(writer, frame):
        if writer.frames_written == after:
            raise OSError(errno.ENOSPC, "No space left on device")
        return picture(writer, frame)

    (tmp_path / "out.mp4").write_bytes(b"an older video")
    monkeypatch.setattr(VideoWriter, "_picture", fail)
    assert_one_sentence(animate(media), "the disk is full")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"an older video"


def spoil(folder, kind):
    """Spoil a model's folder in one way."""
    weights, config = folder / WEIGHTS_FILE, folder / CONFIG_FILE
    if kind == "LFS pointer":
        weights.write_text(LFS_POINTER)
    elif kind == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif kind == "empty":
        weights.write_bytes(b"")
    elif kind == "one byte changed":
        data = bytearray(weights.read_bytes())
        data[-100] ^= 1
        weights.write_bytes(data)
    elif kind == "other version":
        config.write_text(json.dumps({**json.loads(config.read_text()), "format_version": 2}))
    elif kind == "other sizes":
        (folder / "SHA256SUMS").unlink()
        config.write_text(json.dumps({**json.loads(config.read_text()), "content_code": 9}))
    elif kind == "no weights":
        weights.unlink()
    elif kind == "no config":
        config.unlink()


MODEL_ERRORS = {
    "LFS pointer": "Git LFS pointer",
    "truncated": "truncated",
    "empty": WEIGHTS_FILE,
    "one byte changed": "checksum",
    "other version": "version 2",
    "other sizes": "do not fit",
    "no weights": "is missing",
    "no config": "is missing",
}


@pytest.mark.parametrize(("kind", "told"), MODEL_ERRORS.items(), ids=MODEL_ERRORS)
def test_bad_models(animate, media, model, tmp_path, kind, told):
    spoilt = shutil.copytree(model, tmp_path / "model")
    spoil(spoilt, kind)
    assert_one_sentence(animate(media, "face.jpg", "speech.wav", tmp_path / "out.mp4", chosen=spoilt), told)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_model_that_is_not_there(animate, media, tmp_path):
    assert_one_sentence(animate(media, chosen="papr-small"), "there is no model 'papr-small'")
    assert list(tmp_path.iterdir()) == []


def test_a_seed_out_of_range_is_wrong_usage(animate, media, tmp_path):
    code, _, err = animate(media, "face.jpg", "speech.wav", None, "--seed", str(10**30))
    assert code == 2
    assert "--seed" in err
    assert list(tmp_path.iterdir()) == []


def assert_plays(path, size, duration_s):
    """H.264 in yuv420p with AAC, as browsers play it, as long as the sound to within a frame."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert audio.codec_context.name == "aac"
        assert float(video.average_rate) == 25
    info = video_info(path)
    assert (info.width, info.height) == size
    shown = sum(1 for _ in read_video(path))
    assert shown == ceil(duration_s * 25 - 1e-6)
    assert audio_duration(path) == pytest.approx(duration_s, abs=0.04)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # plays while it loads


@pytest.mark.skipif(DEFAULT_MODEL not in bundled_models(), reason=f"the weights {DEFAULT_MODEL} are not bundled yet")
def test_the_examples_with_the_bundled_weights(tmp_path):
    source = str(ROOT / "src")
    paths = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from orate.cli.main import main; main()"),
            *("animate", str(PORTRAIT), str(SPEECH), "-o", "talking.mp4", "--device", "cpu"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "talking.mp4\n", "")
    with Image.open(PORTRAIT) as picture:
        size = picture.size
        photo = np.asarray(picture.convert("RGB")).astype(int)
    assert_plays(tmp_path / "talking.mp4", size, audio_duration(SPEECH))
    video = np.stack([frame.image for frame in read_video(tmp_path / "talking.mp4")]).astype(int)[
        :, : size[1], : size[0]
    ]
    movement = video.std(0).mean(-1)
    still, moving = movement < 1, movement > 4
    assert still.mean() > 0.5
    assert moving.any()
    assert np.abs(video[0] - photo)[still].mean() < 3
