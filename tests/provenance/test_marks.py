"""Which marks an output gets, and that the same inputs give the same file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from orate import OrateError
from orate.provenance.label import LabelStyle
from orate.provenance.manifest_reader import read_manifest
from orate.provenance.marks import Marking, Marks, Origin

ROOT = Path(__file__).parents[2]
Write = Callable[..., Path]


@pytest.fixture
def origin(picture: np.ndarray, sound: Path) -> Origin:
    return Origin(picture, ROOT / "examples" / "portrait.jpg", sound, "default", 3, {"fps": 25.0})


def test_the_same_inputs_give_the_same_file(write: Write, tmp_path: Path) -> None:
    marks = Marks(consent="Jane", time=datetime(2026, 1, 1, tzinfo=UTC), label=LabelStyle(seconds=0.1))
    one, other = (write(tmp_path / name, marks, frames=4) for name in ("1.mp4", "2.mp4"))
    assert one.read_bytes() == other.read_bytes()


def test_the_time_of_making_changes_what_is_said_and_not_the_picture(origin: Origin) -> None:
    early, late = (Marking(Marks(time=datetime(year, 1, 1, tzinfo=UTC)), origin, 25) for year in (2026, 2027))
    assert early.statement.content_id == late.statement.content_id
    assert np.array_equal(early.frame(origin.photo, 0), late.frame(origin.photo, 0))
    assert early.tags != late.tags
    assert "creation_time" not in Marking(Marks(), origin, 25).tags


def test_what_is_stated_of_the_inputs(origin: Origin) -> None:
    said = Marking(Marks(), origin, 25).statement
    assert said.photo_is_file
    assert (said.photo_type, said.sound_type) in {("image/jpeg", "audio/x-wav"), ("image/jpeg", "audio/wav")}
    text = str(said.as_json())
    assert "portrait" not in text, "names of files may name people"
    assert "tone" not in text
    array = Marking(Marks(), replace(origin, photo_file=None), 25).statement
    assert not array.photo_is_file
    assert array.photo_sha256 != said.photo_sha256
    assert array.content_id == said.content_id, "the same picture, however it came"


def test_marks_are_on_unless_they_are_left_out(origin: Origin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="orate")
    everything = Marking(Marks(), origin, 25)
    assert everything.statement.left_out == ()
    assert everything.tags
    assert not np.array_equal(everything.frame(origin.photo, 0), origin.photo)
    assert caplog.text == ""
    nothing = Marking(Marks(metadata=False, credentials=False, watermark=False), origin, 25)
    assert nothing.tags == {}
    assert nothing.frame(origin.photo, 0) is origin.photo
    assert nothing.statement.left_out == ("metadata", "credentials", "watermark")
    assert "metadata, credentials, watermark" in caplog.text


def test_what_was_left_out_stands_in_the_manifest(write: Write, tmp_path: Path) -> None:
    read = read_manifest(write(tmp_path / "a.mp4", Marks(watermark=False, metadata=False), frames=3))
    assert read.said["marks_left_out"] == ["metadata", "watermark"]


def test_a_label_is_burnt_in_and_stated(origin: Origin) -> None:
    marks = Marks(watermark=False, label=LabelStyle(text="AI voice", seconds=2))
    marking = Marking(marks, origin, 25)
    before = origin.photo.copy()
    shown = marking.frame(origin.photo, 0)
    assert not np.array_equal(shown, before)
    assert np.array_equal(origin.photo, before)
    assert marking.frame(origin.photo, 100) is origin.photo
    assert marking.statement.settings["label"] == "AI voice"
    assert marking.statement.settings["label_seconds"] == 2
    plain = Marking(replace(marks, label=None), origin, 25).statement
    assert marking.statement.content_id != plain.content_id, "another video"


def test_errors_come_before_the_first_frame(origin: Origin, tmp_path: Path) -> None:
    wrong = [
        Marks(certificate=tmp_path / "missing.pem", private_key=tmp_path / "missing.pem"),
        Marks(label=LabelStyle(text="")),
        Marks(consent="x" * 5000),
        Marks(producer="two words"),
    ]
    for marks in wrong:
        with pytest.raises(OrateError):
            Marking(marks, origin, 25)
