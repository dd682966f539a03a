from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from orate.corpora.clip import Clip, PrepareSettings
from orate.corpora.crops import Dropped, DropReason, prepare_clip
from orate.corpora.smoothing import fill_gaps, smooth_alignment
from orate.face.alignment import MEAN_FACE, STABLE_478
from orate.face.landmarks import FaceLandmarker
from orate.media.video import VideoWriter, read_video_at

SETTINGS = PrepareSettings(voice=False)  # the sounds are clicks and tones


class Absent:
    """A landmarker that sees the real face, except in chosen frames."""

    def __init__(self, face, *lost, rivals=0):
        self.face, self.lost, self.rivals, self.frame = face, lost, rivals, -1

    def detect(self, image):
        self.frame += 1
        return [] if self.frame in self.lost else [self.face] * (1 + self.rivals)

    def track(self, image, previous):
        found = self.detect(image)
        return found[0] if found else None


@pytest.fixture(scope="module")
def face():
    return FaceLandmarker(threads=1).detect(data.astronaut()[25:225, 145:305])[0]


@pytest.fixture
def clip(grid):
    return Clip("s1_bgbu2a", "s1", grid / "s1" / "bgbu2a.mp4")


def reason_for(clip, landmarker, settings=None):
    with pytest.raises(Dropped) as caught:
        prepare_clip(clip, settings or SETTINGS, landmarker)
    return caught.value.reason


def test_short_gaps_are_interpolated(clip, face):
    prepared = prepare_clip(clip, SETTINGS, Absent(face, 5, 6))
    assert prepared.interpolated_frames == 2
    assert prepared.frames.shape == (20, 128, 96, 3)
    assert np.allclose(prepared.landmarks[5], prepared.landmarks[4], atol=1e-3)
    stable = prepared.landmarks[:, STABLE_478, :2]
    assert np.abs(stable.mean(1) - MEAN_FACE.mean(0)).max() < 0.05  # a least-squares fit keeps the centre


def test_reasons_to_drop(clip, face):
    assert reason_for(clip, Absent(face, *range(20))) == DropReason.NO_FACE
    assert reason_for(clip, Absent(face, 8, 9, 10, 11)) == DropReason.FACE_LOST  # too long a gap
    assert reason_for(clip, Absent(face, 2, 8, 14)) == DropReason.FACE_LOST  # too many
    assert reason_for(clip, Absent(face, rivals=1)) == DropReason.SEVERAL_FACES
    aside = replace(face, landmarks=face.landmarks - [120, 0, 0])
    assert reason_for(clip, Absent(aside)) == DropReason.OUTSIDE
    far = replace(face, landmarks=face.landmarks / 5)
    assert reason_for(clip, Absent(far)) == DropReason.TOO_SMALL


def test_a_cut_or_damaged_frames(grid, tmp_path, face):
    frames = np.stack(list(read_video_at(grid / "s1" / "bgbu2a.mp4", 25)))
    frames[9:12] = frames[9:12, ::-1]
    write_video(tmp_path / "a.mp4", frames)
    (tmp_path / "a.wav").write_bytes((grid / "s1" / "bbaf2n.mpg").read_bytes())
    clip = Clip("a", "s1", tmp_path / "a.mp4", audio=tmp_path / "a.wav")
    with pytest.raises(Dropped, match=r"picture jumps: at frame (9|12)"):
        prepare_clip(clip, SETTINGS, Absent(face))


def write_video(path, frames):
    with VideoWriter(path, frames.shape[2], frames.shape[1], 25) as writer:
        for frame in frames:
            writer.write(frame)


def test_a_much_smaller_second_face_is_ignored(clip, face):
    class Crowd(Absent):
        def detect(self, image):
            faces = super().detect(image)
            return [*faces, replace(self.face, box=self.face.box / 3)]

    assert len(prepare_clip(clip, SETTINGS, Crowd(face)).frames) == 20


def test_missing_file_is_unreadable(tmp_path, face):
    assert reason_for(Clip("a", "s1", tmp_path / "a.mpg"), Absent(face)) == DropReason.UNREADABLE


def test_separate_recording_is_used_when_the_video_is_silent(grid, tmp_path, face):
    import soundfile

    seconds = np.arange(int(0.8 * 48_000)) / 48_000
    tone = 0.3 * np.sin(2 * np.pi * 440 * seconds)
    soundfile.write(tmp_path / "a.wav", tone, 48_000)
    clip = Clip("s1_lgar9n", "s1", grid / "s1" / "lgar9n.mpg", audio=tmp_path / "a.wav")
    audio = prepare_clip(clip, SETTINGS, Absent(face)).audio
    assert len(audio) == 40_000
    spectrum = np.abs(np.fft.rfft(audio))
    assert np.argmax(spectrum) * 50_000 / len(audio) == pytest.approx(440, abs=2)


def similarities(x, y, scale, angle):
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    return np.stack([np.stack([a, -b, x], -1), np.stack([b, a, y], -1)], 1)


def test_smoothing_takes_jitter_and_keeps_movement():
    random = np.random.default_rng(0)
    t = np.arange(100.0)
    x, angle, scale = 10 + 0.2 * t, 0.002 * t, np.full(100, 0.7)
    steady = similarities(x, np.full(100, -5.0), scale, angle)
    noisy = similarities(x + random.normal(0, 0.3, 100), np.full(100, -5.0), scale, angle)
    smoothed = smooth_alignment(noisy, (128, 96), 25)
    inner = slice(10, 90)
    assert np.abs(smoothed[inner] - steady[inner]).std() < 0.5 * np.abs(noisy[inner] - steady[inner]).std()
    assert np.diff(smoothed[inner, 0, 2], n=2).std() < 0.2 * np.diff(noisy[inner, 0, 2], n=2).std()
    assert np.allclose(smoothed[:, 0, 0], smoothed[:, 1, 1])
    assert np.allclose(smoothed[:, 0, 1], -smoothed[:, 1, 0])
    assert np.abs(smooth_alignment(steady, (128, 96), 25)[inner] - steady[inner]).max() < 0.02


def test_smoothing_works_on_clips_shorter_than_its_kernel():
    matrices = similarities(np.array([1.0, 1.0]), np.zeros(2), np.ones(2), np.zeros(2))
    assert np.allclose(smooth_alignment(matrices, (128, 96), 25), matrices)


def test_gaps_are_filled_linearly_and_held_at_the_ends(face):
    moved = replace(face, landmarks=face.landmarks + 9)
    landmarks, blendshapes = fill_gaps([None, face, None, None, moved, None])
    assert landmarks.shape == (6, 478, 3)
    assert blendshapes.shape == (6, 52)
    steps = (landmarks - face.landmarks).mean((1, 2))
    assert steps == pytest.approx([0, 0, 3, 6, 9, 9], abs=1e-3)
