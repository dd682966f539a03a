"""Clips of synthetic people, on a stand-in for ICT-FaceKit's head and a prepared folder of landmarks that move."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ict_stand_in import write_stand_in
from typer.testing import CliRunner

from orate.cli.main import describe
from orate.cli.prepare import prepare_app
from orate.corpora.cleaning.reasons import Dropped
from orate.corpora.clip import Clip, PrepareSettings, Word
from orate.corpora.codec import decode_array, decode_audio, decode_video
from orate.corpora.crops import PreparedClip
from orate.corpora.prepare import prepare
from orate.corpora.shards import read_index, read_member
from orate.corpora.synthetic import clips, gl
from orate.corpora.synthetic.actions import action_names
from orate.corpora.synthetic.assets import Assets
from orate.corpora.synthetic.attachment import Attachment
from orate.corpora.synthetic.motion import measure_motion
from orate.corpora.synthetic.people import prepare_people
from orate.corpora.synthetic.pose import PIVOT_CM, Pose
from orate.corpora.synthetic.recipe import Recipe, key_of, number_of, source_of, synthetic_clips
from orate.corpora.synthetic.scene import Camera, Person, Setting
from orate.corpora.synthetic.sealing import LipSeal
from orate.corpora.synthetic.sources import motion_index, read_source, speech_span
from orate.corpora.synthetic.stage import head_poses, staged, towards
from orate.corpora.synthetic.videos import exact_faces, synthetic_videos
from orate.corpora.worker import write_kept
from orate.errors import OrateError
from orate.media.video import read_video, video_info
from orate.render.head import load_head
from orate.render.pose import HeadPose
from orate.training.refine_pairs import _clips

FPS, RATE, FRAMES = 25, 8_000, 30
DRAWN = 3  # frames: somebody new takes a second, each picture a tenth
SPLITS = {"s1_one": "train", "s1_two": "train", "s1_held": "validation"}
NAMES = action_names()


def moving_landmarks(seed: int) -> np.ndarray:
    """(T, 478, 3) px of a crop: the generic head opens and closes its mouth at a pace of its own."""
    head = load_head()
    weight = 0.25 * np.clip(np.sin(np.arange(FRAMES) / (2.0 + 0.5 * seed)), 0, 1)
    shape = head.landmarks + weight[:, None, None] * head.actions["jawOpen"].astype(np.float64)
    pose = HeadPose(4.6, np.diag([1.0, -1.0, -1.0]), np.array([48.0, 64.0, 0.0]))
    return np.stack([pose.project(points) for points in shape])


def lend(clip: Clip, settings: PrepareSettings, work: Path) -> str:
    """Prepares a clip of landmarks without a picture."""
    seed = list(SPLITS).index(clip.key)
    sound = 0.1 * np.sin(2 * np.pi * (200 + 100 * seed) * np.arange(FRAMES * RATE // FPS) / RATE)
    prepared = PreparedClip(
        frames=np.zeros((FRAMES, settings.height, settings.width, 3), np.uint8),
        audio=sound.astype(np.float32),
        landmarks=moving_landmarks(seed).astype(np.float32),
        matrices=np.repeat(np.array([[[0.5, 0, 1], [0, 0.5, 2]]], np.float32), FRAMES, 0),
        blendshapes=np.zeros((FRAMES, 52), np.float32),
        interpolated_frames=0,
    )
    write_kept(clip, prepared, settings, work)
    return clip.key


def lending_folder(folder: Path, keys: list[str]) -> Path:
    """A prepared folder of those clips."""
    folder.mkdir()
    (folder / "video").write_bytes(b"-")
    words = (Word(0.6, 0.8, "bin"), Word(0.8, 1.0, "now"))
    lent = [
        Clip(key=key, speaker="s1", video=folder / "video", transcript="bin now", words=words, split=SPLITS[key])
        for key in keys
    ]
    prepare(lent, folder / "shards", PrepareSettings(fps=FPS, rate=RATE), prepare_clip=lend)
    return folder / "shards"


@pytest.fixture(scope="module")
def motion(tmp_path_factory):
    return lending_folder(tmp_path_factory.mktemp("motion") / "lent", list(SPLITS))


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    return write_stand_in(tmp_path_factory.mktemp("ict"))


@pytest.fixture(scope="module")
def recipe(assets, motion):
    return Recipe(assets=assets, motion=motion, people=2, side=64, seconds=DRAWN / FPS)


class _Everywhere:
    """Finds a face in every picture: the stand-in's is none."""

    def detect(self, image):
        return [image]


class _Nowhere:
    def detect(self, image):
        return []


@pytest.fixture(scope="module")
def stage():
    """What drawing needs; skips where there is no OpenGL."""
    try:
        gl.open_context().release()
    except OrateError as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clips, "_landmarker", _Everywhere)
        patch.setattr(clips, "MAX_OUTSIDE", 1.0)  # the camera is made for a head of another size
        yield


@pytest.fixture(scope="module")
def made(stage, recipe, tmp_path_factory):
    """Folders of two people: shards, and the whole pictures."""
    folder = tmp_path_factory.mktemp("made")
    report = prepare_people(replace(recipe, videos=folder / "videos"), folder / "out")
    assert not report.dropped
    return folder / "out", folder / "videos"


def shard_bytes(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("shard-*.tar"))]


def test_only_training_clips_lend_their_motion_and_all_of_them_do(recipe, motion):
    made = synthetic_clips(replace(recipe, people=6), motion_index(motion))
    lenders = [clip.sentence_id for clip in made]
    assert sorted(lenders[:2]) == sorted(lenders[2:4]) == ["s1_one", "s1_two"]
    assert {clip.split for clip in made} == {"train"}
    assert [number_of(clip.key) for clip in made] == list(range(6))
    assert made[5].speaker == key_of(5) == "synthetic-000005"


def test_the_order_of_lenders_depends_on_the_seed(recipe, motion):
    samples = read_index(motion).samples
    orders = {tuple(source_of(replace(recipe, seed=seed), samples, n).key for n in range(3)) for seed in range(8)}
    assert len(orders) > 1


def test_a_folder_without_training_clips_is_refused(recipe, tmp_path):
    held = lending_folder(tmp_path / "lent", ["s1_held"])
    with pytest.raises(OrateError, match="holds no training clips"):
        synthetic_clips(replace(recipe, motion=held), motion_index(held))


def test_longer_clips_than_there_are_cannot_be_had(recipe, motion):
    with pytest.raises(OrateError, match=r"longest training clip .* lasts 1\.20 s: give a smaller --seconds"):
        synthetic_clips(replace(recipe, seconds=2.0), motion_index(motion))


def test_a_part_of_a_source_keeps_sound_words_and_motion_together(motion):
    index = motion_index(motion)
    sample = index.samples[1]
    whole, part = read_source(motion, index, sample), read_source(motion, index, sample, 10, 12)
    np.testing.assert_array_equal(part.motion.weights, whole.motion.weights[10:22])
    np.testing.assert_array_equal(part.audio, whole.audio[10 * RATE // FPS : 22 * RATE // FPS])
    assert [(word.text, round(word.start_s, 3)) for word in part.words] == [("bin", 0.2)]
    assert part.start_s == 0.4
    assert speech_span(motion, sample) == (0.6, 1.0)


def test_a_persons_lips_open_as_the_sources_do(motion):
    index = motion_index(motion)
    source = read_source(motion, index, index.samples[1])
    weight = 0.25 * np.clip(np.sin(np.arange(FRAMES) / (2.0 + 0.5 * list(SPLITS).index(index.samples[1].key))), 0, 1)
    opened = source.motion.weights[:, NAMES.index("jawOpen")]
    assert np.corrcoef(opened, weight)[0, 1] > 0.98


def test_poses_turn_about_the_neck_and_then_as_a_whole():
    landmarks = moving_landmarks(0)
    motion = measure_motion(landmarks, np.zeros((FRAMES, 52), np.float32))
    upright = head_poses(motion, np.eye(3))
    assert max(np.abs(pose.rotation - np.eye(3)).max() for pose in upright) < 0.01
    assert max(np.abs(pose.translation).max() for pose in upright) < 0.1
    turned = replace(
        motion,
        rotation=np.tile(np.array([[0, 0.2, 0]], np.float32), (FRAMES, 1)),
        translation=np.zeros((FRAMES, 3), np.float32),
    )
    neck = np.array([[0.0, -7.0, -4.0]], np.float32)
    moved = head_poses(turned, np.eye(3))[0].move(neck, np.ones(1, np.float32))
    np.testing.assert_allclose(moved, neck, atol=1e-4)
    nose = np.array([[0.0, 0.0, 10.0]], np.float32)
    assert head_poses(turned, np.eye(3))[0].move(nose, np.ones(1, np.float32))[0, 0] > 1.0


def test_eyes_on_the_camera_look_against_the_heads_turn():
    yaw = np.radians(20)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    np.testing.assert_allclose(towards(np.array([0.0, 0, 1]), turn), [-20, 0], atol=1e-9)
    np.testing.assert_allclose(towards(np.array([0.0, 1, 1]), np.eye(3)), [0, 45], atol=1e-9)


def lips_of_two_plates(assets: Assets) -> Assets:
    """The stand-in with an upper and a lower lip 0.1 cm apart, which `mouthClose` would bring together by 2 cm."""
    points = assets.landmarks.points(assets.neutral)
    neutral, expression = assets.neutral.copy(), np.zeros_like(assets.expression)
    line, front = points[[13, 14], 1].mean(), points[:, 2].max()
    left, right = sorted(points[[78, 308], 0])
    count = 100
    neutral[: 2 * count, 0] = np.tile(np.linspace(left + 0.3, right - 0.3, count), 2)
    neutral[:count, 1], neutral[count : 2 * count, 1] = line + 0.05, line - 0.05
    neutral[: 2 * count, 2] = front - 0.5
    neutral[2 * count : 9409, 1] += 50.0
    expression[assets.axis("jawOpen"), count : 2 * count, 1] = -2.0
    expression[assets.axis("mouthClose"), count : 2 * count, 1] = 2.0
    fixed = Attachment(np.repeat(np.arange(478)[:, None], 3, 1), np.full((478, 3), 1 / 3, np.float32))
    wanted = {78: left, 308: right}
    for point in range(478):
        neutral[9000 - point if point < 468 else 21_500 + point] = [wanted.get(point, 0.0), line, front]
        fixed.vertices[point] = 9000 - point if point < 468 else 21_500 + point
    return replace(assets, neutral=neutral, expression=expression, landmarks=fixed)


def test_lips_of_every_shape_touch_when_they_should(assets):
    plates = lips_of_two_plates(Assets.load(assets))
    seal = LipSeal(plates)
    still = np.zeros((3, 57), np.float32)
    still[2, plates.axis("jawOpen")] = 0.3
    closing = seal(still, np.array([0.0, 0.2, 0.6]), plates.neutral)[:, plates.axis("mouthClose")]
    assert closing[0] == pytest.approx(0.05 + 0.006, abs=1e-3)  # 0.1 cm of the 2 cm, and a little more
    assert 0 < closing[1] < closing[0]
    assert closing[2] == 0
    wider = plates.neutral.copy()
    wider[:100, 1] += 0.1
    assert seal(still[:1], np.zeros(1), wider)[0, plates.axis("mouthClose")] == pytest.approx(0.106, abs=1e-3)


def test_a_stage_varies_with_its_random_numbers_only(motion):
    index = motion_index(motion)
    performed = read_source(motion, index, index.samples[0]).motion
    first, again, other = (staged(performed, 20.0, Camera(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.gaze, again.gaze)
    assert all(np.array_equal(a.rotation, b.rotation) for a, b in zip(first.poses, again.poses, strict=True))
    assert np.abs(first.gaze - other.gaze).max() > 0.1
    assert isinstance(first.poses[0], Pose)
    assert PIVOT_CM.shape == (3,)


def test_people_become_shards_like_any_corpus(made, motion):
    out, _ = made
    index = read_index(out)
    assert (index.fps, index.rate) == (FPS, RATE)
    assert [sample.key for sample in index.samples] == [key_of(0), key_of(1)]
    sample = index.samples[0]
    assert sample.corpus == "synthetic"
    assert not sample.unseen_speaker
    frames = decode_video(read_member(out, sample, "mp4"))
    assert frames.shape == (DRAWN, 128, 96, 3)
    assert frames.std() > 5
    data = read_member(out, sample, "npz")
    assert decode_array(data, "landmarks").shape == (DRAWN, 478, 3)
    assert decode_array(data, "blendshapes").shape == (DRAWN, 52)
    sound, rate = decode_audio(read_member(out, sample, "flac"))
    assert (len(sound), rate) == (DRAWN * RATE // FPS, RATE)
    meta = json.loads(read_member(out, sample, "json"))
    lender = next(other for other in read_index(motion).samples if other.key == meta["source"])
    assert lender.split == "train"
    lent = decode_audio(read_member(motion, lender, "flac"))[0]
    begin = round(meta["source_start_s"] * RATE)
    np.testing.assert_allclose(sound, lent[begin : begin + len(sound)], atol=1e-4)
    assert 0.5 < meta["source_start_s"] + DRAWN / FPS / 2 < 1.05  # where the lender speaks


def test_whole_pictures_have_sound_and_exact_landmarks(made):
    out, folder = made
    videos = synthetic_videos(folder)
    assert [path.stem for path in videos] == [key_of(0), key_of(1)]
    info = video_info(videos[0])
    assert (info.width, info.height, info.has_audio) == (64, 64, True)
    faces = exact_faces(videos[0])
    assert len(faces) == len(list(read_video(videos[0]))) == DRAWN
    data = read_member(out, read_index(out).samples[0], "npz")
    crop, matrix = decode_array(data, "landmarks")[1], decode_array(data, "matrices")[1]
    np.testing.assert_allclose(faces[1].landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2], crop[:, :2], atol=0.01)


def test_the_refinement_learns_from_all_of_them_as_one_speaker(made):
    out, folder = made
    assert {(clip.speaker, clip.split) for clip in _clips(folder, 0)} == {("synthetic", "train")}
    assert {clip.speaker for clip in _clips(out, 0)} == {"synthetic"}


def test_what_was_interrupted_goes_on_to_the_same_bytes(made, recipe, tmp_path):
    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_people(recipe, tmp_path / "out", progress=stop)
    seen = []
    prepare_people(recipe, tmp_path / "out", progress=lambda done, total: seen.append(done))
    assert seen[0] == 1
    assert shard_bytes(tmp_path / "out") == shard_bytes(made[0])


def test_another_seed_makes_others_and_needs_another_folder(made, recipe, tmp_path):
    with pytest.raises(OrateError, match="was begun with another number of people, seed"):
        prepare_people(replace(recipe, seed=1), made[0])
    prepare_people(replace(recipe, seed=1, people=1), tmp_path / "other")
    first, other = (
        decode_video(read_member(out, read_index(out).samples[0], "mp4")) for out in (made[0], tmp_path / "other")
    )
    assert np.abs(first.astype(int) - other).mean() > 5


def standing_still(recipe, number, motion, crop_size=(128, 96)):
    """Instead of drawing: grey pictures with a face in their middle."""
    frames = np.full((DRAWN, 64, 64, 3), 128, np.uint8)
    return clips.Pictures(frames, moving_landmarks(0)[:DRAWN] * 0.5, np.zeros((DRAWN, 52), np.float32))


def test_who_has_no_face_is_dropped(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("orate.corpora.synthetic.people.check_renderer", lambda recipe: None)
    monkeypatch.setattr(clips, "draw", standing_still)
    monkeypatch.setattr(clips, "_landmarker", _Nowhere)
    report = prepare_people(replace(recipe, people=1), tmp_path / "out")
    assert [drop.reason for drop in report.dropped] == ["no face"]


def test_a_camera_too_near_for_the_crop_is_noticed(stage, recipe, motion):
    renderer, _ = clips._stage_hands(recipe.assets, recipe.side)
    performed = read_source(motion, motion_index(motion), motion_index(motion).samples[1], 0, 3).motion
    person, setting = Person.random(np.random.default_rng(0), renderer.assets), Setting.random(np.random.default_rng(0))
    inside = []
    for view_cm in (200.0, 8.0):
        seen = replace(setting, camera=Camera(view_cm=view_cm, distance=400))
        on_stage = staged(performed, 0.0, seen.camera, np.random.default_rng(0))
        with renderer.context:
            inside.append(clips.crop_inside(renderer, person, seen, on_stage, (128, 96)))
    assert inside == [True, False]


def test_two_renderers_in_one_process_draw_what_each_draws_alone(stage, recipe, motion):
    performed = read_source(motion, motion_index(motion), motion_index(motion).samples[1], 0, 1).motion
    first = clips.draw(recipe, 0, performed).frames
    clips.draw(replace(recipe, side=96), 0, performed)
    np.testing.assert_array_equal(clips.draw(recipe, 0, performed).frames, first)


def test_a_face_that_leaves_the_picture_is_dropped(monkeypatch):
    monkeypatch.setattr(clips, "MAX_OUTSIDE", 0.1)
    pictures = standing_still(None, 0, None)
    pictures.landmarks[1, :100, 0] -= 100
    with pytest.raises(Dropped, match="face leaves the picture: 21% of it"):
        clips.check_visible(pictures)


def command(assets: Path, motion: Path, out: Path, *more: str) -> str:
    """The sentence of the error that the command ends with."""
    words = ["synthetic", str(out), "--assets", str(assets), "--motion", str(motion), "--people", "1", *more]
    result = CliRunner().invoke(prepare_app, [*words, "--workers", "1"])
    assert isinstance(result.exception, OrateError), result.output
    return describe(result.exception)[0]


def test_errors_of_the_command_are_sentences(assets, motion, tmp_path, monkeypatch):
    assert "is missing" in command(tmp_path, motion, tmp_path / "out")
    assert "no prepared data" in command(assets, tmp_path, tmp_path / "out")
    assert "longest training clip" in command(assets, motion, tmp_path / "out", "--seconds", "9")

    def nothing():
        raise OrateError("Synthetic people need OpenGL 3.3, which this machine does not offer.")

    clips._stage_hands.cache_clear()
    monkeypatch.setattr("orate.corpora.synthetic.renderer.open_context", nothing)
    assert "OpenGL" in command(assets, motion, tmp_path / "out")
    assert not (tmp_path / "out").exists()
