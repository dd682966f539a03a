"""Making a study: nothing but the face may tell the real clips from the generated ones."""

from collections import Counter
from dataclasses import replace

import av
import numpy as np
import pytest
from small_study import SETTINGS, StandingGenerator
from synthetic_corpus import RATE
from tiny_model import save_tiny_model

from orate.corpora.dataset import ClipDataset
from orate.errors import OrateError
from orate.evaluation.generators import load_clip_generator
from orate.media.audio import read_audio
from orate.media.video import read_video, video_info
from orate.study.folder import clip_path, read_study
from orate.study.make import candidates, make_study, read_consent


def pictures(path):
    return np.stack([frame.image for frame in read_video(path)])


def streams(path):
    """All that a container says of its streams, and its tags."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        described = [
            (video.codec_context.name, video.profile, video.width, video.height, video.frames, video.average_rate),
            (audio.codec_context.name, audio.rate, audio.layout.name, audio.frames, audio.duration),
        ]
        return described, dict(container.metadata), dict(video.metadata), dict(audio.metadata)


def test_both_versions_differ_in_nothing_but_the_pictures(made_study):
    study = read_study(made_study)
    assert len(study.clips) == 6
    forms = set()
    for clip in study.clips:
        real, generated = (clip_path(made_study, name) for name in (clip.real, clip.generated))
        assert streams(real) == streams(generated)
        assert np.array_equal(read_audio(real, 48_000), read_audio(generated, 48_000))
        assert real.stat().st_mtime == generated.stat().st_mtime
        forms.add(str(streams(real)))
        shown, made = pictures(real), pictures(generated)
        assert shown.shape == made.shape == (10, 384, 288, 3)  # 0.4 s at 25 frames/s, twelve times the crop's size
        assert made[:, 10:50, 10:50].min() > 200  # the corner that the generator draws
        assert shown[:, 10:50, 10:50].max() < 200
        assert np.abs(shown[0, 80:].astype(int) - made[0, 80:]).mean() < 3  # both begin with the source image
    assert len(forms) == 1  # nor do the clips differ among each other
    assert "comment" not in video_info(real).metadata


def test_the_sound_is_the_clips_own(made_study, shards):
    study = read_study(made_study)
    clips = ClipDataset(shards, "validation", RATE)
    sounds = {clip["key"]: clip["audio"].numpy() for clip in clips}
    for clip in study.clips:
        heard = read_audio(clip_path(made_study, clip.generated), RATE)[: round(0.4 * RATE)]
        own = sounds[clip.key][: len(heard)]
        assert np.corrcoef(heard[: len(own)], own)[0, 1] > 0.95


def test_speakers_take_turns_and_short_or_learned_clips_are_left_out(made_study, shards):
    study = read_study(made_study)
    assert Counter(clip.speaker for clip in study.clips) == {"s0": 2, "s1": 2, "s9": 2}
    assert {clip.unseen for clip in study.clips if clip.speaker == "s9"} == {True}
    clips = ClipDataset(shards, "validation", RATE)
    order = list(candidates(clips, 10, np.random.default_rng(0)))
    assert len(order) == len(set(order)) == 8
    assert "s0_short" not in {clips.sample(index).key for index in order}
    assert len(list(candidates(clips, 6, np.random.default_rng(0)))) == 9
    twice = ClipDataset([shards, shards], "validation", RATE)
    assert len(list(candidates(twice, 10, np.random.default_rng(0)))) == 8


def test_the_same_seed_makes_the_same_study(made_study, shards, tmp_path):
    again, _ = make_study(StandingGenerator(), "standing", [shards], tmp_path / "again", SETTINGS)
    first = read_study(made_study)
    assert again.clips == first.clips
    assert again.operator_key != first.operator_key
    for clip in again.clips:
        for name in (clip.real, clip.generated):
            assert clip_path(tmp_path / "again", name).read_bytes() == clip_path(made_study, name).read_bytes()
    other, _ = make_study(StandingGenerator(), "x", [shards], tmp_path / "other", replace(SETTINGS, seed=4))
    assert other.clips != first.clips


def test_the_generator_hears_what_is_shown(shards, tmp_path):
    generator = StandingGenerator()
    make_study(generator, "standing", [shards], tmp_path / "study", SETTINGS)
    assert {(shape, frames) for shape, frames, _ in generator.calls} == {((round(0.4 * RATE),), 10)}
    assert len({seed for *_, seed in generator.calls}) == 6


def test_a_real_model_makes_a_study(shards, tmp_path):
    generator = load_clip_generator(str(save_tiny_model(tmp_path / "tiny")), "cpu")
    progress = []
    study, left_out = make_study(
        generator, "tiny", [shards], tmp_path / "study", SETTINGS, lambda *done: progress.append(done)
    )
    assert read_study(tmp_path / "study") == study
    assert left_out == []
    assert progress == [(count, 6) for count in range(1, 7)]
    clip = study.clips[0]
    real, generated = (pictures(clip_path(tmp_path / "study", name)) for name in (clip.real, clip.generated))
    assert np.abs(real.astype(int) - generated).mean() > 10


def test_a_clip_that_cannot_be_generated_is_replaced(shards, tmp_path):
    study, left_out = make_study(StandingGenerator(refuses={2}), "x", [shards], tmp_path / "study", SETTINGS)
    assert len(study.clips) == 6
    assert len(left_out) == 1
    assert left_out[0].endswith("is left out: No face was found.")
    assert left_out[0].split()[0] not in {clip.key for clip in study.clips}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"clips": 9}, "Only 8 of 9 clips"),
        ({"seconds": 10.0}, "Only 0 of 6 clips"),
        ({"seconds": float("nan")}, "nan seconds"),
        ({"seconds": 0.001}, "0.001 seconds"),
        ({"per_person": 5}, "even number"),
        ({"per_person": 8}, "too few"),
        ({"split": "tests"}, "no split"),
    ],
)
def test_what_makes_no_study_is_said_and_nothing_is_left(shards, tmp_path, changes, says):
    with pytest.raises(OrateError, match=says):
        make_study(StandingGenerator(), "x", [shards], tmp_path / "study", replace(SETTINGS, **changes))
    assert list(tmp_path.iterdir()) == []


def test_too_few_clips_says_why_the_last_failed(shards, tmp_path):
    with pytest.raises(OrateError, match=r"Only 5 of 6.*No face was found"):
        make_study(StandingGenerator(refuses={1, 2, 3}), "x", [shards], tmp_path / "study", SETTINGS)


def test_answers_are_never_overwritten(shards, folder):
    before = sorted(folder.rglob("*"))
    with pytest.raises(OrateError, match="is there already"):
        make_study(StandingGenerator(), "x", [shards], folder, SETTINGS)
    assert sorted(folder.rglob("*")) == before
    with pytest.raises(OrateError, match="There is no folder"):
        make_study(StandingGenerator(), "x", [shards], folder / "no" / "study", SETTINGS)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text[:100], "damaged"),
        (lambda text: text.replace('"version": 1', '"version": 7'), "version 7"),
        (lambda text: text.replace('"clips_per_person": 4', '"clips_per_person": 8'), "has 6 clips"),
        (lambda text: text.replace('"real": "', '"real": "../'), "damaged at clips.0.real"),
    ],
)
def test_a_damaged_study_is_said_in_a_sentence(folder, damage, says):
    path = folder / "study.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(OrateError, match=says):
        read_study(folder)


def test_a_missing_clip_or_study_is_said_in_a_sentence(folder, tmp_path):
    clip_path(folder, read_study(folder).clips[0].generated).unlink()
    with pytest.raises(OrateError, match="is missing"):
        read_study(folder)
    with pytest.raises(OrateError, match="holds no study"):
        read_study(tmp_path / "nothing")


def test_consent_is_read_by_paragraphs(tmp_path):
    path = tmp_path / "consent.txt"
    path.write_text("One\nline.\n\n \nAnother.\n")
    assert read_consent(path) == ["One line.", "Another."]
    path.write_text(" \n\n")
    with pytest.raises(OrateError, match="holds no text"):
        read_consent(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OrateError, match="UTF-8"):
        read_consent(path)
    with pytest.raises(OrateError, match="There is no file"):
        read_consent(tmp_path / "none.txt")
