"""What the animator writes says what it is, and the same inputs give the same bytes."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from tiny_model import RATE, save_tiny_model

import orate
from orate import Animator, LabelStyle, Marks, OrateError, verify
from orate.media.video import read_video, video_info

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def animator(tmp_path_factory):
    model = save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    return Animator.from_pretrained(model, device="cpu", engine="torch")


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A file of 301 x 321 pixels, width x height: the video is one larger."""
    path = tmp_path_factory.mktemp("photo") / "jane-doe.png"
    picture = Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB")
    picture.crop((80, 0, 381, 321)).save(path)
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(RATE // 2) * 0.1), RATE)
    return path


@pytest.fixture(scope="module")
def video(animator, photo, sound, tmp_path_factory):
    output = tmp_path_factory.mktemp("video") / "out.mp4"
    return animator.animate(photo, sound, output, seed=5, marks=Marks(consent="Jane Doe, written"))


def test_all_marks_are_found(video):
    found = verify(video)
    assert found.generated
    assert found.intact
    assert {str(layer.state) for layer in (found.metadata, found.credentials, found.watermark)} == {"found"}
    assert found.watermark.content_id == found.credentials.content_id == video_info(video).metadata["content_id"]
    stated = found.credentials.states
    assert (stated["seed"], stated["model"], stated["consent"]) == (5, "tiny", "Jane Doe, written")
    assert stated["settings"]["fps"] == 25
    assert "jane-doe" not in str(found.as_json()["layers"])


def test_the_same_inputs_the_same_bytes(animator, photo, sound, video, tmp_path):
    options = {"seed": 5, "marks": Marks(consent="Jane Doe, written")}
    again = animator.animate(photo, sound, tmp_path / "again.mp4", **options)
    assert again.read_bytes() == video.read_bytes()
    prepared = animator.animate(animator.prepare(photo), sound, tmp_path / "prepared.mp4", **options)
    assert video_info(prepared).metadata["content_id"] == video_info(video).metadata["content_id"]
    pictures = ([frame.image for frame in read_video(path)] for path in (video, prepared))
    assert all(np.array_equal(*pair) for pair in zip(*pictures, strict=True))


def test_another_seed_another_id(animator, photo, sound, video, tmp_path):
    other = animator.animate(photo, sound, tmp_path / "other.mp4", seed=6)
    assert video_info(other).metadata["content_id"] != video_info(video).metadata["content_id"]


def test_the_time_is_stated_where_it_is_given(animator, photo, sound, video, tmp_path):
    marks = Marks(time=datetime(2026, 5, 1, 10, 30, tzinfo=UTC))
    found = verify(animator.animate(photo, sound, tmp_path / "timed.mp4", marks=marks))
    assert found.credentials.states["time"] == "2026-05-01T10:30:00Z"
    assert "time" not in verify(video).credentials.states


def test_a_label_is_seen_for_as_long_as_asked(animator, photo, sound, tmp_path):
    plain, labelled = (
        [
            frame.image[:60, :150].astype(int)
            for frame in read_video(
                animator.animate(
                    photo, sound, tmp_path / f"{label}.mp4", marks=Marks(label=LabelStyle(seconds=0) if label else None)
                )
            )
        ]
        for label in (False, True)
    )
    different = [np.abs(one - other).mean() for one, other in zip(plain, labelled, strict=True)]
    assert different[0] > 10
    assert different[-1] < different[0] / 5


def test_nothing_is_written_that_cannot_be_signed(animator, photo, sound, tmp_path):
    told = []
    marks = Marks(certificate=photo, private_key=photo)
    with pytest.raises(OrateError, match="no certificate"):
        animator.animate(photo, sound, tmp_path / "out.mp4", progress=lambda *n: told.append(n), marks=marks)
    assert told == [], "known before the first frame"
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_signing_leaves_no_video(animator, photo, sound, tmp_path, monkeypatch):
    def fail(*_):
        raise OrateError("no ink")

    monkeypatch.setattr("orate.provenance.marks.embed_manifest", fail)
    (tmp_path / "out.mp4").write_bytes(b"an older video")
    with pytest.raises(OrateError, match="no ink"):
        animator.animate(photo, sound, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"an older video"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_what_the_package_offers():
    assert all(getattr(orate, name) is not None for name in orate.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Marking'"):
        _ = orate.Marking
