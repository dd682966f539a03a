"""Every corpus as it is published, in small, through ``orate prepare`` to what training reads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from corpus_media import NTSC, film, speech, truncate, write, write_sound
from typer import Context, Typer
from typer.testing import CliRunner

from orate.cli.prepare import prepare_app
from orate.cli.prepare_options import typed_command
from orate.corpora.dataset import ClipDataset
from orate.errors import OrateError

SECONDS = 0.64
FRAMES, NTSC_FRAMES = 16, 19  # at 25 and 29.97 frames/s
QUICK = ("--workers", 1, "--rate", 16_000, "--no-voice", "--no-offset")  # the face in the pictures says nothing


def prepare(corpus, source, out, *options):
    """Run the command; the samples by key, the reasons of dropped clips by key, and what was printed."""
    words = [corpus, source, out, *QUICK, *options]
    result = CliRunner().invoke(prepare_app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    clips = ClipDataset(out, "all", audio_rate=16_000)
    samples = {clips.sample(i).key: (clips.sample(i), clips.meta(i), clips[i]) for i in range(len(clips))}
    report = json.loads((out / "report.json").read_text())
    return samples, {clip["key"]: clip["reason"] for clip in report["dropped_clips"]}, " ".join(result.output.split())


def assert_prepared(sample, meta, item, corpus, frames):
    """The sample is of this corpus, about so many frames long, and its picture and sound can be read."""
    assert sample.corpus == meta["corpus"] == corpus
    assert abs(sample.frames - frames) <= 1
    assert item["video"].shape == (sample.frames, 3, 128, 96)
    assert float(item["video"].float().std()) > 20  # a face, not a flat picture
    assert float(item["audio"].abs().max()) > 0.01


def parts(samples):
    return {key: (sample.split, sample.unseen_speaker) for key, (sample, _, _) in samples.items()}


def test_grid(tmp_path):
    source = tmp_path / "grid"
    for way, name in enumerate(("s1/bbaf2n", "s9/bbaf3s", "s2/bgbu2a", "s1/lbaq2s")):
        video, sound = film((288, 360), FRAMES, way), speech(SECONDS, 44_100, way)
        write(source / f"{name}.mpg", video, sound, video="mpeg1video", audio="mp2", container="mpeg")
    truncated = source / "s1" / "lbaq2s.mpg"
    truncated.write_bytes(truncated.read_bytes()[:3000])
    (source / "s1" / "pbad0n.mpg").write_bytes(b"")
    (source / "s1" / "._bbaf2n.mpg").write_bytes(b"\0")
    samples, dropped, _ = prepare("grid", source, tmp_path / "out", "--split", "paper")
    assert parts(samples) == {
        "s1_bbaf2n": ("train", False),
        "s2_bgbu2a": ("test", True),
        "s9_bbaf3s": ("validation", True),
    }
    assert set(dropped) == {"s1_lbaq2s", "s1_pbad0n"}
    assert dropped["s1_pbad0n"] == "unreadable"
    assert_prepared(*samples["s1_bbaf2n"], "grid", FRAMES)
    assert samples["s1_bbaf2n"][1]["transcript"] == "bin blue at f two now"


@pytest.fixture(scope="module")
def tcd_timit(tmp_path_factory):
    """Full HD at 29.97 frames/s, as the corpus has it; a volunteer of each part, and a lipspeaker."""
    source = tmp_path_factory.mktemp("tcd") / "TCDTIMIT"
    form = {"fps": NTSC, "rate": 48_000}
    for way, speaker in enumerate(("01M", "28M", "09F")):
        clips = source / "volunteers" / speaker / "Clips"
        frames = film((1080, 1920), NTSC_FRAMES, way, fps=29.97)
        silent = speaker == "09F"
        write(clips / "straightcam" / "sa1.mp4", frames, None if silent else speech(SECONDS, 48_000, way), **form)
        write_sound(clips / "straightcam" / "sa1.wav", speech(SECONDS, 16_000, way), 16_000)
        (clips / "straightcam" / "sa1.txt").write_text("0 12800 She had your dark suit\n")
        (clips / "30degcam").mkdir()
        (clips / "30degcam" / "sa1.mp4").write_bytes((clips / "straightcam" / "sa1.mp4").read_bytes())
    camera = source / "volunteers" / "01M" / "Clips" / "straightcam"
    (camera / "sx12.mp4").write_bytes((camera / "sa1.mp4").read_bytes())
    truncate(camera / "sx12.mp4")
    (camera / "si500.mp4").write_bytes(b"")
    (camera / "._sa1.mp4").write_bytes(b"\0\5\26\7")
    (camera / "calibration.mp4").write_bytes(b"")
    label = '"/data/TCDTIMIT/volunteers/01M/Clips/straightcam/sa1.rec"\n0 10300000 sil\n10300000 11800000 sh\n.\n'
    (source / "volunteer_labelfiles.mlf").write_text(f"#!MLF!#\n{label}")
    return source


def test_tcd_timit(tcd_timit, tmp_path):
    samples, dropped, printed = prepare("tcd-timit", tcd_timit, tmp_path / "out")
    assert parts(samples) == {
        "01M_sa1": ("train", False),
        "09F_sa1": ("test", True),
        "28M_sa1": ("validation", True),
    }
    assert dropped == {"01M_sx12": "unreadable", "01M_si500": "unreadable"}
    for key in samples:
        assert_prepared(*samples[key], "tcd-timit", FRAMES)
    assert samples["01M_sa1"][1]["transcript"] == "She had your dark suit"
    assert samples["01M_sa1"][1]["phones"] == [{"start_s": 1.03, "end_s": 1.18, "text": "sh"}]
    assert "1 file left out" in printed
    assert "calibration.mp4" in printed


def test_crema_d(tmp_path):
    source = tmp_path / "CREMA-D"
    names = ("1001_DFA_ANG_XX", "1038_IEO_HAP_HI", "1015_ITH_SAD_LO", "1002_TSI_FEA_XX")
    form = {"fps": NTSC, "video": "flv1", "audio": "libmp3lame", "container": "flv"}
    for way, name in enumerate(names):
        silent = name.startswith("1015")
        frames = film((360, 480), NTSC_FRAMES, way, fps=29.97)
        write(source / "VideoFlash" / f"{name}.flv", frames, None if silent else speech(SECONDS, 44_100, way), **form)
        write_sound(source / "AudioWAV" / f"{name}.wav", speech(SECONDS, 16_000, way), 16_000)
    broken = source / "VideoFlash" / "1002_TSI_FEA_XX.flv"
    broken.write_bytes(b"FLV\1" + broken.read_bytes()[4:400])
    (source / "VideoFlash" / "1003_WSI_NEU_XX.flv").write_bytes(b"")
    (source / "VideoFlash" / "1001_DFA_ANGRY.flv").write_bytes(b"")
    (source / "VideoFlash" / "._1001_DFA_ANG_XX.flv").write_bytes(b"\0")
    samples, dropped, printed = prepare("crema-d", source, tmp_path / "out")
    assert parts(samples) == {
        "1001_DFA_ANG_XX": ("train", False),
        "1015_ITH_SAD_LO": ("test", True),
        "1038_IEO_HAP_HI": ("validation", True),
    }
    assert dropped == {"1002_TSI_FEA_XX": "unreadable", "1003_WSI_NEU_XX": "unreadable"}
    for key in samples:
        assert_prepared(*samples[key], "crema-d", FRAMES)
    sample, meta, _ = samples["1038_IEO_HAP_HI"]
    assert (sample.emotion, sample.emotion_level, meta["transcript"]) == ("happiness", "high", "it's eleven o'clock")
    assert "1001_DFA_ANGRY.flv" in printed


def test_lrw(tmp_path):
    source = tmp_path / "lipread_mp4"
    for way, part in enumerate(("train", "val", "test")):
        clip = source / "ABOUT" / part / "ABOUT_00001.mp4"
        write(clip, film((256, 256), 29, way), speech(29 / 25, 16_000, way), rate=16_000)
        clip.with_suffix(".txt").write_text(
            "Disk reference: 55354\nChannel: BBC One\nProgram start: 2014-01-06 13:00:00 +0000\n"
            "Clip start: 1342.87 seconds\nDuration: 0.36 seconds\n"
        )
    broken = source / "ABOUT" / "train" / "ABOUT_00002.mp4"
    broken.write_bytes((source / "ABOUT" / "train" / "ABOUT_00001.mp4").read_bytes())
    truncate(broken)
    (source / "ABOUT" / "train" / "ABSOLUTELY_00001.mp4").write_bytes(b"")
    samples, dropped, printed = prepare("lrw", source, tmp_path / "out")
    assert parts(samples) == {
        "test_ABOUT_00001": ("test", False),
        "train_ABOUT_00001": ("train", False),
        "val_ABOUT_00001": ("validation", False),
    }
    assert dropped == {"train_ABOUT_00002": "unreadable"}
    for key in samples:
        assert_prepared(*samples[key], "lrw", 29)
    meta = samples["val_ABOUT_00001"][1]
    assert meta["transcript"] == "about"
    assert meta["words"] == [{"start_s": 0.4, "end_s": 0.76, "text": "about"}]
    assert meta["details"]["channel"] == "BBC One"
    assert "ABSOLUTELY_00001.mp4" in printed


def test_folder(tmp_path):
    source = tmp_path / "videos"
    write(source / "alice" / "2024" / "talk.mkv", film((240, 320), 60, 0), speech(2.4, 44_100, 0))
    (source / "alice" / "2024" / "talk.srt").write_text(
        "1\n00:00:00,100 --> 00:00:00,700\nhello\n\n2\n00:00:01,300 --> 00:00:02,000\nagain\n"
    )
    write(source / "bob" / "one.mov", film((240, 320), FRAMES, 1))
    write_sound(source / "bob" / "one.wav", speech(SECONDS, 44_100, 1), 44_100)
    (source / "bob" / "one.txt").write_text("good morning\n")
    (source / "bob" / "empty.mp4").write_bytes(b"")
    (source / "metadata.csv").write_text("path,speaker,split,emotion\nbob/one.mov,Robert,validation,Happiness\n")
    samples, dropped, printed = prepare("folder", source, tmp_path / "out", "--piece-seconds", 1, "--test-share", 0)
    pieces = sorted(key for key in samples if key.startswith("alice"))
    assert [samples[key][0].frames for key in pieces] == [20, 20, 20]
    assert [samples[key][1]["transcript"] for key in pieces] == ["hello", "", "again"]
    said = {key: samples[key][2]["audio"] for key in pieces}
    assert not any((said[pieces[0]][:9000] == said[other][:9000]).all() for other in pieces[1:])
    (bob,) = (key for key in samples if key.startswith("bob"))
    sample, meta, _ = samples[bob]
    assert (sample.speaker, sample.split, sample.unseen_speaker) == ("Robert", "validation", True)
    assert (sample.emotion, meta["transcript"]) == ("happiness", "good morning")
    for key in samples:
        assert_prepared(*samples[key], "folder", 20 if key in pieces else FRAMES)
    assert list(dropped.values()) == ["unreadable"]
    assert "No speaker is in the part" not in printed


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        ("grid", "No video of GRID"),
        ("tcd-timit", "volunteers/01M/Clips/straightcam/sa1.mp4"),
        ("crema-d", "VideoFlash/1001_DFA_ANG_XX.flv"),
        ("lrw", "ABOUT/train/ABOUT_00001.mp4"),
        ("folder", "holds no video"),
    ],
)
def test_another_folder_is_one_sentence(tmp_path, corpus, expected):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to_anna.doc").write_bytes(b"Dear Anna")
    result = CliRunner().invoke(prepare_app, [corpus, str(tmp_path), str(tmp_path / "out")])
    assert isinstance(result.exception, OrateError)
    assert expected in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_parts_that_stay_empty_are_told(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"")
    words = ["folder", tmp_path, tmp_path / "out", *QUICK, "--test-share", 1]
    result = CliRunner().invoke(prepare_app, [str(word) for word in words])
    assert "No speaker is in the part train: name the split of some" in result.output
    assert "No speaker is in the part validation" in result.output


def test_options_that_do_not_go_together(tmp_path):
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "bbaf2n.mpg").write_bytes(b"")
    for options, expected in (
        (["--ray-address", "head:6379"], "--engine ray"),
        (["--split", "paper", "--validation-every", "3"], "--split sentences"),
        (["--split", "none.csv"], "Cannot read the split"),
    ):
        result = CliRunner().invoke(prepare_app, ["grid", str(tmp_path), str(tmp_path / "out"), *options])
        assert isinstance(result.exception, OrateError)
        assert expected in str(result.exception)


def test_the_command_is_told_as_it_was_typed():
    app, told = Typer(), []

    @app.command()
    def one(context: Context, source: Path, voice: bool = True, limit: int = 3, rate: int = 5) -> None:
        told.append(typed_command(context))

    assert (
        CliRunner().invoke(app, ["my videos", "--no-voice", "--limit", "3"], prog_name="orate prepare").exit_code == 0
    )
    assert told == ["orate prepare 'my videos' --no-voice --limit 3"]


def test_help_of_every_layout_loads_nothing_heavy():
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from orate.cli.prepare import prepare_app\n"
        "for name in ['grid', 'tcd-timit', 'crema-d', 'lrw', 'folder']:\n"
        "    assert '--engine' in CliRunner().invoke(prepare_app, [name, '--help']).output\n"
        "heavy = {'torch', 'openvino', 'cv2', 'av', 'numpy', 'scipy', 'ray'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
