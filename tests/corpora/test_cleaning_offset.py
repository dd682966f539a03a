"""What is done about a sound that is late or early, with a meter that says what the test wants."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from clicking_clips import FLASH_FRAME, FPS, SOUND_RATE, click, moved_face, write_clip
from skimage import data

from orate.corpora.cleaning.figures import OffsetState
from orate.corpora.cleaning.offset import Constancy, OffsetReading, overlap_of, settle
from orate.corpora.cleaning.reasons import Dropped, DropReason
from orate.corpora.clip import Clip, PrepareSettings, Word
from orate.corpora.crops import prepare_clip
from orate.corpora.prepare import prepare
from orate.corpora.shards import read_index, read_member
from orate.face.landmarks import FaceLandmarker

SETTINGS = PrepareSettings(voice=False)
COUNT = 40


class Says:
    """A meter that has made up its mind."""

    def __init__(self, offset_s, constancy=Constancy.SURE):
        self.reading = OffsetReading(offset_s, 0.4, constancy, "here and there")
        self.seen = None

    def __call__(self, frames, landmarks, audio, rate, fps):
        self.seen = frames.shape, landmarks.shape, audio.shape, rate, fps
        return self.reading


@pytest.fixture(scope="module")
def landmarker():
    return FaceLandmarker(threads=1)


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """A clip whose click comes so many seconds after its flash."""

    def make(late_s):
        path = tmp_path_factory.mktemp("shifted") / "a.mp4"
        sound = click(COUNT / FPS, FLASH_FRAME / FPS + late_s)
        write_clip(path, moved_face(COUNT), sound)
        return Clip("s1_a", "s1", path)

    return make


@pytest.mark.parametrize("late_s", [0.13, -0.33])
def test_the_sound_is_moved_to_the_picture(shifted, landmarker, late_s):
    meter = Says(late_s)
    made = prepare_clip(shifted(late_s), SETTINGS, landmarker, meter)
    assert meter.seen == ((COUNT, 128, 96, 3), (COUNT, 478, 2), (COUNT * 2000,), 50_000, 25.0)
    assert (made.figures.offset, made.figures.offset_confidence) == (OffsetState.CORRECTED, 0.4)
    assert made.figures.offset_s == late_s
    lost = int(np.ceil(abs(late_s) * FPS))
    assert len(made.frames) == len(made.landmarks) == len(made.matrices) == len(made.blendshapes) == COUNT - lost
    assert len(made.audio) == (COUNT - lost) * 2000
    flash_s = int(made.frames.mean((1, 2, 3)).argmax()) / FPS
    click_s = float(np.abs(made.audio).argmax()) / 50_000
    assert click_s == pytest.approx(flash_s, abs=0.021)  # the burst lasts 10 ms
    # the words' times: the click was at its place in the clip's own sound
    assert FLASH_FRAME / FPS + late_s - made.sound_start_s == pytest.approx(click_s, abs=0.021)
    assert made.sound_start_s >= 0


class Always:
    """Loads a meter that finds every sound so late."""

    def __init__(self, offset_s):
        self.offset_s = offset_s

    def __call__(self):
        return Says(self.offset_s)


def test_words_move_with_the_sound(shifted, tmp_path):
    late_s, said_s = 0.2, FLASH_FRAME / FPS + 0.2
    word = Word(said_s, said_s + 0.01, "click")
    clip = replace(shifted(late_s), words=(word,), phones=(word,))
    prepare([clip], tmp_path, SETTINGS, meter=Always(late_s), card=False)
    sample = read_index(tmp_path).samples[0]
    meta = json.loads(read_member(tmp_path, sample, "json"))
    sound, rate = soundfile.read(BytesIO(read_member(tmp_path, sample, "flac")))
    assert sample.offset_s == late_s
    for (told,) in (meta["words"], meta["phones"]):
        assert told["text"] == "click"
        assert told["start_s"] == pytest.approx(np.abs(sound).argmax() / rate, abs=0.021)
        assert told["end_s"] - told["start_s"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("meter", "state"),
    [
        (None, OffsetState.NOT_MEASURED),
        (Says(0.2, Constancy.UNSURE), OffsetState.UNSURE),
    ],
)
def test_the_sound_is_left_as_it_is(shifted, landmarker, meter, state):
    made = prepare_clip(shifted(0.0), SETTINGS, landmarker, meter)
    assert (made.figures.offset, made.figures.offset_s, made.sound_start_s) == (state, 0.0, 0.0)
    assert len(made.frames) == COUNT


def test_an_offset_that_changes(shifted, landmarker):
    with pytest.raises(Dropped, match="offset not constant: here and there") as caught:
        prepare_clip(shifted(0.0), SETTINGS, landmarker, Says(0.0, Constancy.CHANGING))
    assert caught.value.reason == DropReason.OFFSET


def test_the_settings_switch_it_off(shifted, landmarker):
    meter = Says(0.2)
    made = prepare_clip(shifted(0.0), PrepareSettings(voice=False, offset=False), landmarker, meter)
    assert meter.seen is None
    assert made.figures.offset == OffsetState.NOT_MEASURED


def test_too_little_is_left(tmp_path, landmarker):
    write_clip(tmp_path / "a.mp4", moved_face(20), click(0.8))
    with pytest.raises(Dropped, match="too short: 8 frames when the sound is moved"):
        prepare_clip(Clip("a", "s1", tmp_path / "a.mp4"), SETTINGS, landmarker, Says(0.48))


@pytest.mark.parametrize("offset_s", [-0.6, -0.21, -0.04, 0.04, 0.1, 0.6])
def test_what_is_left_has_picture_and_sound(offset_s):
    left = overlap_of(offset_s, 50, 25.0)
    assert 0 <= left.first < left.end <= 50
    assert left.sound_start_s >= 0
    assert left.sound_start_s + (left.end - left.first) / 25 <= 2.0 + 1e-9
    assert left.sound_start_s == pytest.approx(left.first / 25 + offset_s)


def test_settling():
    assert settle(OffsetReading(0.12, 0.3, Constancy.SURE)) == (OffsetState.CORRECTED, 0.12)
    assert settle(OffsetReading(0.12, 0.3, Constancy.UNSURE)) == (OffsetState.UNSURE, 0.0)
    assert settle(OffsetReading(0.9, 0.3, Constancy.SURE)) == (OffsetState.UNSURE, 0.0)
    for little in (0.03, -0.04):
        assert settle(OffsetReading(little, 0.3, Constancy.SURE)) == (OffsetState.IN_TIME, 0.0)


def test_a_piece_of_a_long_recording(tmp_path, landmarker):
    """Its frames and its sound are those from start_s on; flashes and clicks repeat every 20 frames."""
    frames = np.concatenate([moved_face(20, way=way) for way in (0, 2, 4)])
    sound = np.concatenate([click(0.8, way=way) for way in (0, 2, 4)])
    write_clip(tmp_path / "long.mp4", frames, sound)
    whole = prepare_clip(Clip("a", "s1", tmp_path / "long.mp4"), SETTINGS, landmarker)
    clip = Clip("a", "s1", tmp_path / "long.mp4", start_s=0.88, end_s=2.08)
    piece = prepare_clip(clip, SETTINGS, landmarker)
    assert (len(piece.frames), len(piece.audio)) == (30, 60_000)
    assert np.abs(piece.landmarks[5:-5] - whole.landmarks[27:47]).mean() < 0.5
    assert np.corrcoef(piece.audio, whole.audio[44_000:104_000])[0, 1] > 0.999
    assert int(piece.frames.mean((1, 2, 3)).argmax()) == 20 + FLASH_FRAME - 22
    # the last piece of a recording may be shorter than asked for
    last = prepare_clip(Clip("a", "s1", tmp_path / "long.mp4", start_s=1.6, end_s=9.0), SETTINGS, landmarker)
    assert len(last.frames) == pytest.approx(20, abs=1)
    with pytest.raises(Dropped, match="unreadable"):
        prepare_clip(Clip("a", "s1", tmp_path / "long.mp4", start_s=5.0, end_s=6.0), SETTINGS, landmarker)


def test_a_second_person_walks_in(tmp_path, landmarker):
    face = moved_face(55)
    other = cv2.resize(data.astronaut()[0:256, 110:315], (160, 200))
    scene = np.concatenate([face, np.full_like(face, 90)], 2)
    scene[20:, :, 160:] = other
    write_clip(tmp_path / "two.mp4", scene, click(55 / FPS))
    with pytest.raises(Dropped, match="several faces"):
        prepare_clip(Clip("a", "s1", tmp_path / "two.mp4"), SETTINGS, landmarker)


def test_speech_over_a_face_that_keeps_still(tmp_path, landmarker):
    speech, rate = soundfile.read(Path(__file__).parents[2] / "examples" / "speech.wav", dtype="float32")
    seconds = np.arange(2 * SOUND_RATE) / SOUND_RATE
    sound = np.interp(seconds * rate, np.arange(len(speech)), speech).astype(np.float32)
    write_clip(tmp_path / "still.mp4", moved_face(50, flash=-1), sound)
    clip = Clip("a", "s1", tmp_path / "still.mp4")
    with pytest.raises(Dropped, match="off-screen voice"):
        prepare_clip(clip, PrepareSettings(), landmarker)
    assert prepare_clip(clip, SETTINGS, landmarker).figures.voiced == -1
    with pytest.raises(Dropped, match="face too turned"):
        prepare_clip(clip, PrepareSettings(voice=False, largest_turn_deg=1.0), landmarker)
    write_clip(tmp_path / "tone.mp4", moved_face(50, flash=-1), (0.2 * np.sin(2800 * seconds)).astype(np.float32))
    with pytest.raises(Dropped, match="silence"):
        prepare_clip(Clip("a", "s1", tmp_path / "tone.mp4"), PrepareSettings(), landmarker)
