"""`orate evaluate` on prepared clips of the portrait, and the report."""

import json
import sys

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from synthetic_corpus import RATE, SyntheticClip, write_corpus

from orate.cli.evaluate import _instruments
from orate.cli.main import main
from orate.evaluation.clip_record import ClipFigures, VideoRecord
from orate.evaluation.generators import load_clip_generator
from orate.evaluation.instruments import Instruments
from orate.evaluation.motion import PersonFigures
from orate.evaluation.motion_statistics import motion_statistics
from orate.evaluation.photos import PHOTO_FIGURES, PhotoMeter
from orate.evaluation.report import ALL_FIGURES, CLIP_FIGURES, ROWS, as_json, summarise
from orate.models.checkpoint import save_model
from orate.models.config import ModelConfig
from orate.models.generator import Generator

GAPS_PX = (0, 3, 6, 8, 5, 2, 0, 4)


def speaking_portrait(key, open_mouth, **kind):
    frames = np.stack([open_mouth(gap) for gap in GAPS_PX])
    sound = 0.1 * np.sin(np.arange(len(frames) * RATE // 25) * 0.3)
    return SyntheticClip(key, frames, sound.astype(np.float32), np.zeros((len(frames), 478, 2), np.float32), **kind)


@pytest.fixture(scope="module")
def shards(open_mouth, tmp_path_factory):
    clips = [
        speaking_portrait("s1_a", open_mouth),  # of the training part: not to be measured
        speaking_portrait("s1_b", open_mouth, split="validation"),
        speaking_portrait("s2_a", open_mouth, split="validation", speaker="s2"),
        speaking_portrait("s1_c", open_mouth, split="validation"),
        speaking_portrait("s9_a", open_mouth, split="validation", speaker="s9", unseen=True),
        speaking_portrait("s7_t", open_mouth, split="test", speaker="s7", unseen=True),
    ]
    return write_corpus(tmp_path_factory.mktemp("portraits") / "shards", clips)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A random model that draws 128 x 96."""
    torch.manual_seed(0)
    config = ModelConfig(
        audio_rate=RATE, base_channels=2, audio_channels=2, audio_code=8, content_code=8, identity_code=8
    )
    folder = tmp_path_factory.mktemp("model") / "random"
    save_model(Generator(config).eval(), folder)
    return str(folder)


@pytest.fixture(autouse=True)
def no_embeddings(monkeypatch):
    """The networks that measure may be missing, and take their time."""
    monkeypatch.setattr("orate.cli.evaluate._embedder", lambda: None)
    monkeypatch.setattr("orate.cli.evaluate._instruments", lambda: Instruments(missing=("There is no lip reader.",)))


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *map(str, arguments)])
    return ended.value.code


def strict(text):
    """JSON as every reader takes it: no NaN, no Infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_figures_by_group(model, shards, tmp_path, capsys):
    assert run(model, "--data", shards, "-o", tmp_path / "figures.json", "--device", "cpu", "-q") == 0
    printed = capsys.readouterr()
    for word in ("s1", "s2", "unseen", "mouth_correlation", "dB", *ALL_FIGURES, *ROWS):
        assert word in printed.out
    assert "s9" not in printed.out
    report = strict((tmp_path / "figures.json").read_text())
    assert report["model"] == model
    counts = {name: group["clips"] for name, group in report["groups"].items()}
    assert counts == {"s1": 2, "s2": 1, "seen": 3, "unseen": 1}
    assert [clip["key"] for clip in report["clips"]] == ["s1_b", "s2_a", "s1_c", "s9_a"]
    for clip in report["clips"]:
        assert set(clip["rows"]) == set(ROWS)
        assert all(set(figures) == set(CLIP_FIGURES) for figures in clip["rows"].values())
        assert clip["rows"]["model"]["l1"] > 0.1  # weights at random draw grey
    s1 = [clip["rows"]["model"]["psnr"] for clip in report["clips"] if clip["group"] == "s1"]
    assert report["groups"]["s1"]["model"]["psnr"] == pytest.approx(np.mean(s1))
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]
    assert printed.err == "Not measured: There is no lip reader.\n"
    assert report["not_measured"] == ["There is no lip reader."]


def test_the_ceiling_is_near_perfect_and_the_floor_does_not_speak(model, shards, tmp_path):
    assert run(model, "--data", shards, "-o", tmp_path / "figures.json", "--limit", "1", "-q") == 0
    rows = strict((tmp_path / "figures.json").read_text())["groups"]["s1"]
    assert 35 < rows["ceiling"]["psnr"] < 60
    assert rows["ceiling"]["mouth_correlation"] > 0.95
    assert rows["ceiling"]["mouth_lmd"] < 0.2 * rows["floor"]["mouth_lmd"]
    assert rows["ceiling"]["jitter_ratio"] == pytest.approx(1, abs=0.2)
    assert rows["floor"]["mouth_correlation"] == rows["floor"]["jitter"] == 0
    assert rows["floor"]["mouth_range"] == pytest.approx(0, abs=1e-6)
    assert rows["floor"]["head_deg"] == pytest.approx(0, abs=1e-6)
    assert rows["ceiling"]["fdbm"] > 0
    assert rows["ceiling"]["seed_difference"] is None  # only a model has seeds


def test_without_the_network_of_embeddings_the_rest_is_measured(model, shards, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("orate.cli.evaluate._instruments", _instruments)
    monkeypatch.setitem(sys.modules, "dlib", None)
    assert run(model, "--data", shards, "-o", tmp_path / "figures.json", "--limit", "1", "-q") == 0
    assert "pip install 'orate[evaluate]'" in capsys.readouterr().err
    rows = strict((tmp_path / "figures.json").read_text())["groups"]["s1"]
    assert rows["ceiling"]["identity_distance"] is None
    assert rows["ceiling"]["cpbd"] > 0


def test_a_generator_makes_as_many_frames_as_asked_for(model, open_mouth):
    generator = load_clip_generator(model)
    assert generator.audio_rate == RATE
    sound = (0.3 * np.sin(np.arange(RATE))).astype(np.float32)
    frames = generator.generate(open_mouth(0), sound, 9, seed=3)
    assert (frames.shape, frames.dtype) == ((9, 128, 96, 3), np.uint8)
    assert np.array_equal(frames, generator.generate(open_mouth(0), sound, 9, seed=3))


@pytest.fixture
def speech(tmp_path):
    path = tmp_path / "speech.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(RATE) * 0.3), RATE)
    return path


def test_photos_that_speak(model, root, speech, tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.open(root / "examples" / "portrait.jpg").resize((200, 200)).save(photos / "face.png")
    (photos / "notes.txt").write_text("no picture")
    given = ["--photos", photos, "--photos", root / "examples" / "portrait.jpg", "--speech", speech]
    assert run(model, *given, "-o", tmp_path / "figures.json", "--device", "cpu", "-q") == 0
    printed = capsys.readouterr().out
    for word in ("face.png", "portrait.jpg", "speech.wav", "mean", *PHOTO_FIGURES):
        assert word in printed
    report = strict((tmp_path / "figures.json").read_text())["photos"]
    assert [(video["photo"], video["speech"]) for video in report["videos"]] == [
        ("face.png", "speech.wav"),
        ("portrait.jpg", "speech.wav"),
    ]
    for figures in (*report["videos"], report["mean"]):
        assert set(PHOTO_FIGURES) <= set(figures)
        assert (figures["faces_found"], figures["change_outside"]) == (1, 0)


def test_motion_of_people(model, tmp_path, capsys, monkeypatch):
    people = [PersonFigures("one", 3, {"mouth_correlation": 0.5}), PersonFigures("two", 2, {"mouth_correlation": 0.7})]
    monkeypatch.setattr("orate.evaluation.motion.evaluate_motion", lambda model, folder: people)
    still = motion_statistics([np.zeros((80, 3))], [np.zeros(80)], [np.zeros(80)])
    moving = motion_statistics([np.eye(80, 3)], [np.zeros(80)], [np.zeros(80)])
    movement = {"generated": still, "real": moving}
    monkeypatch.setattr("orate.evaluation.motion.compare_movement", lambda model, folder: (3.2, movement))
    assert run(model, "--motion", tmp_path, "-o", tmp_path / "figures.json") == 0
    report = strict((tmp_path / "figures.json").read_text())["motion"]
    assert report["mean"]["mouth_correlation"] == pytest.approx(0.6)
    assert report["people"][1] == {"person": "two", "tracks": 2, "mouth_correlation": 0.7}
    assert report["movement"]["seconds"] == 3.2
    assert report["movement"]["generated"]["rotation_deg_yaw"] == 0 < report["movement"]["real"]["rotation_deg_yaw"]
    assert report["movement"]["real"]["blink_s"] is None  # there was none
    assert "0.600" in capsys.readouterr().out


def test_limit_spreads_over_the_corpus(model, shards, tmp_path):
    assert run(model, "--data", shards, "-o", tmp_path / "a.json", "--limit", "2", "-q") == 0
    report = strict((tmp_path / "a.json").read_text())
    assert [clip["key"] for clip in report["clips"]] == ["s1_b", "s1_c"]


@pytest.mark.parametrize(("split", "keys"), [("test", ["s7_t"]), ("unseen", ["s9_a"]), ("train", ["s1_a"])])
def test_the_split_can_be_chosen(model, shards, tmp_path, split, keys):
    assert run(model, "--data", shards, "--split", split, "-o", tmp_path / "a.json", "-q") == 0
    report = strict((tmp_path / "a.json").read_text())
    assert report["split"] == split
    assert [clip["key"] for clip in report["clips"]] == keys


def test_errors_are_one_sentence(model, shards, open_mouth, tmp_path, capsys):
    trained = write_corpus(tmp_path / "trained", [speaking_portrait("s1_a", open_mouth)])
    cases = [
        ([model, "--data", tmp_path], "holds no prepared data"),
        ([model, "--data", trained], "no validation clips"),
        ([model, "--data", trained, "--split", "test"], "no test clips"),
        ([model, "--data", trained, "--split", "tests"], "no split 'tests'"),
        (["nothing", "--data", shards], "there is no model 'nothing'"),
        ([model, "--data", shards, "-o", tmp_path / "missing" / "a.json"], "missing does not exist"),
        ([model, "--data", shards, "--device", "tpu"], "no device 'tpu'"),
        ([model], "nothing to measure"),
        ([model, "--photos", tmp_path], "give both --photos and --speech"),
        ([model, "--speech", tmp_path], "nothing to measure"),
        ([model, "--photos", tmp_path, "--speech", tmp_path], "no pictures"),
        ([model, "--motion", tmp_path], "--motion cannot measure it"),
    ]
    for arguments, told in cases:
        assert run(*arguments) == 1
        printed = capsys.readouterr()
        assert told.lower() in printed.err.lower()
        assert printed.err.startswith("Error: ")
        assert printed.err.count("\n") == 1
        assert printed.out == ""


def clip(key, group, **known):
    """A clip whose figures are 0.5 but for some of the model's."""
    rows = {row: dict.fromkeys(CLIP_FIGURES, 0.5) for row in ROWS}
    rows["model"] |= known
    return ClipFigures(key, group, rows)


def test_means_leave_out_what_is_not_known():
    nan = float("nan")
    clips = [
        clip("b", "s2", psnr=30.0, mouth_correlation=nan),
        clip("a", "s1", psnr=20.0, mouth_correlation=nan),
        clip("c", "s1", psnr=float("inf"), mouth_correlation=0.8),
    ]
    groups = summarise(clips)
    assert list(groups) == ["s1", "s2", "seen"]
    assert groups["s1"]["model"]["mouth_correlation"] == groups["seen"]["model"]["mouth_correlation"] == 0.8
    assert groups["s1"]["model"]["ssim"] == groups["s1"]["floor"]["psnr"] == 0.5
    assert np.isnan(groups["s2"]["model"]["mouth_correlation"])
    report = strict(json.dumps(as_json(clips)))
    assert {group: means["clips"] for group, means in report["groups"].items()} == {"s1": 2, "s2": 1, "seen": 3}
    assert report["groups"]["s2"]["model"]["mouth_correlation"] is None
    assert report["groups"]["s1"]["model"]["psnr"] is None
    assert [clip["key"] for clip in report["clips"]] == ["b", "a", "c"]
    assert report["clips"][1]["rows"]["model"]["mouth_correlation"] is None


def test_people_never_seen_come_last_and_by_themselves():
    clips = [clip("d", "unseen", ssim=0.1), clip("e", "zoe", ssim=0.7)]
    groups = summarise(clips)
    assert list(groups) == ["zoe", "unseen"]  # one speaker alone needs no sum
    assert [groups[name]["model"]["ssim"] for name in groups] == [0.7, 0.1]


def test_words_are_counted_over_all_sentences():
    clips = []
    for said, read in (("bin blue at f two now", "bin blue at f two now"), ("set red by a one again", "set red by")):
        one = clip("a", "s1")
        videos = {row: VideoRecord([], [], [], read if row == "model" else said) for row in ROWS}
        clips.append(ClipFigures("a", "s1", one.rows, said, 25.0, videos))
    rows = summarise(clips)["s1"]
    assert rows["model"]["wer"] == pytest.approx(3 / 12)
    assert rows["ceiling"]["wer"] == 0
    assert np.isnan(summarise([clip("a", "s1")])["s1"]["model"]["wer"])  # nobody read it


def test_a_report_goes_on_where_it_stopped(model, shards, tmp_path, capsys, monkeypatch):
    given = [model, "--data", shards, "-o", tmp_path / "report", "--device", "cpu", "-q"]
    assert run(*given, "--limit", "1") == 0
    assert capsys.readouterr().out.rstrip().endswith("index.html")
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        *("begun.json", "clips", "index.html", "report.json", "report.md")
    }
    first = strict((tmp_path / "report" / "report.json").read_text())
    assert [clip["key"] for clip in first["clips"]] == ["s1_b"]

    def measured_again(*_):
        pytest.fail("a finished clip is measured again")

    with monkeypatch.context() as patched:
        patched.setattr("orate.evaluation.report.ClipEvaluation.__call__", measured_again)
        assert run(*given, "--limit", "1") == 0
    assert strict((tmp_path / "report" / "report.json").read_text()) == first
    capsys.readouterr()
    assert run(*given) == 1
    assert "begun with another --limit" in capsys.readouterr().err
    assert run(*given, "--limit", "1", "--split", "test") == 1
    assert "begun with another --split" in capsys.readouterr().err


def test_a_layered_model_is_held_to_what_it_says_it_moves(root, speech, tmp_path, monkeypatch):
    photo = tmp_path / "face.png"
    Image.open(root / "examples" / "portrait.jpg").convert("RGB").resize((256, 256)).save(photo)
    measure, told = PhotoMeter.__call__, []

    def listening(self, picture, frames, audio, rate, fps, moving):
        told.append(moving)
        return measure(self, picture, list(frames)[:3], audio, rate, fps, moving)

    monkeypatch.setattr(PhotoMeter, "__call__", listening)
    given = ["--photos", photo, "--speech", speech, "-o", tmp_path / "a.json", "--device", "cpu", "-q"]
    assert run("default", *given) == 0
    (moving,) = told
    assert moving.shape == (256, 256)
    assert 0 < moving.mean() < 1
    assert strict((tmp_path / "a.json").read_text())["photos"]["mean"]["pixels_outside"] == 0
