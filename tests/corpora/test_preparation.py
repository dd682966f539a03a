import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from orate.cli.prepare import prepare_app
from orate.corpora import engine
from orate.corpora.clip import PrepareSettings
from orate.corpora.codec import (
    MemberError,
    decode_array,
    decode_audio,
    decode_video,
    encode_arrays,
    encode_video,
    psnr_db,
)
from orate.corpora.grid import find_clips
from orate.corpora.head_motion import HeadMotion
from orate.corpora.joining import ShardRecord
from orate.corpora.plan import PLAN_NAME
from orate.corpora.prepare import prepare
from orate.corpora.shards import read_index, read_member
from orate.errors import OrateError
from orate.face.alignment import MEAN_FACE, STABLE_478
from orate.face.regions import transform_points

FLASH_FRAME = 12
FPS = 25
SHARD_BYTES = 600_000  # as in conftest
SETTINGS = PrepareSettings(voice=False)
REASONS = {
    "s1_lbic9n": "no face",
    "s1_lgar9n": "no sound",
    "s1_lgbf6s": "no sound",
    "s1_lrbr2s": "too short",
    "s1_lriq4s": "sound and picture differ in length",
    "s1_prai9p": "several faces",
    "s1_prap2s": "unreadable",
    "s1_prbc8s": "face too small",
}
KEPT = ["s1_bbaf2n", "s1_bbaf3s", "s1_bgbu2a", "s1_lbaq2s", "s1_pgbq8s", "unseen_sbwe5n"]

PREPARE_IN_TWO_PROCESSES = """
import sys
from pathlib import Path
from orate.corpora.clip import PrepareSettings
from orate.corpora.grid import find_clips
from orate.corpora.prepare import prepare
if __name__ == "__main__":
    clips = find_clips(Path(sys.argv[1]), ["s1", "unseen"])
    prepare(clips, Path(sys.argv[2]), PrepareSettings(voice=False), workers=2, shard_bytes=int(sys.argv[3]))
"""


def shards_in(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tar"))}


def everything_in(folder):
    """Every file but the lock and the plan."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("lock", PLAN_NAME)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_report_says_what_was_kept_and_dropped(prepared):
    out, report = prepared
    saved = json.loads((out / "report.json").read_text())
    assert {clip["key"]: clip["reason"] for clip in saved["dropped_clips"]} == REASONS
    assert saved["kept"] == len(KEPT)
    assert saved["kept"] + saved["dropped"] == saved["clips"]
    assert saved["kept_by_speaker"] == {"s1": {"train": 4, "validation": 1}, "unseen": {"validation": 1}}
    assert saved["crop_psnr_db"]["lowest"] > 47
    assert report.table().row_count == 2 + len(set(REASONS.values()))


def test_shards_are_tar_files_as_the_index_says(prepared):
    out, _ = prepared
    index = read_index(out)
    assert [sample.key for sample in index.samples] == KEPT
    assert {shard.name for shard in index.shards} == set(shards_in(out))
    names = []
    for shard in index.shards:
        data = (out / shard.name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == shard.sha256
        with tarfile.open(out / shard.name) as tar:
            names += tar.getnames()
            for sample in (sample for sample in index.samples if sample.shard == shard.name):
                for suffix in sample.members:
                    assert tar.extractfile(f"{sample.key}.{suffix}").read() == read_member(out, sample, suffix)
    assert names == [f"{key}.{suffix}" for key in KEPT for suffix in ("mp4", "flac", "npz", "json")]
    assert not (out / ".prepare" / "samples").exists()


def test_contents_of_a_sample(prepared):
    out, _ = prepared
    sample = read_index(out).samples[0]
    meta = json.loads(read_member(out, sample, "json"))
    assert meta["transcript"] == "bin blue at f two now"
    assert meta["words"][0] == {"start_s": 0.2, "end_s": 0.3, "text": "bin"}
    assert (meta["speaker"], meta["split"], meta["source"]) == ("s1", "validation", "bbaf2n.mpg")
    assert (meta["fps"], meta["rate"], meta["frames"], meta["sentence_id"]) == (25.0, 50_000, 20, "bbaf2n")
    frames = decode_video(read_member(out, sample, "mp4"))
    audio, rate = decode_audio(read_member(out, sample, "flac"))
    arrays = read_member(out, sample, "npz")
    landmarks = decode_array(arrays, "landmarks")
    assert frames.shape == (20, 128, 96, 3)
    assert (len(audio), rate) == (40_000, 50_000)
    assert landmarks.shape == (20, 478, 3)
    assert decode_array(arrays, "matrices").shape == (20, 2, 3)
    assert decode_array(arrays, "blendshapes").shape == (20, 52)
    motion = HeadMotion(*(decode_array(arrays, name) for name in ("pose", "rest", "motion")))
    assert (motion.pose.shape, motion.rest.shape) == ((20, 7), (478, 3))
    again = np.stack(
        [
            transform_points(matrix, points[:, :2])
            for matrix, points in zip(decode_array(arrays, "matrices"), motion.landmarks(), strict=True)
        ]
    )
    assert np.abs(again - landmarks[..., :2]).max() < 0.05
    assert np.abs(np.degrees(motion.pose[:, :3])).max() < 30
    assert np.abs(landmarks[:, STABLE_478, :2].mean(0) - MEAN_FACE).max() < 4
    assert 95 < landmarks[:, 152, 1].mean() < 124  # the chin is in the crop


@pytest.mark.parametrize("key", ["s1_bbaf2n", "s1_bgbu2a"])
def test_sound_and_picture_stay_together(prepared, key):
    """The clip clicks when it flashes: MPEG-1 with MP2, and H.264 with AAC."""
    out, _ = prepared
    sample = next(sample for sample in read_index(out).samples if sample.key == key)
    brightness = decode_video(read_member(out, sample, "mp4")).mean((1, 2, 3))
    audio, rate = decode_audio(read_member(out, sample, "flac"))
    assert int(brightness.argmax()) == FLASH_FRAME
    click_s = float(np.abs(audio).argmax()) / rate
    assert abs(click_s - FLASH_FRAME / FPS) < 1 / FPS


def test_killed_preparation_continues_and_ends_the_same(grid, prepared, tmp_path):
    out = tmp_path / "shards"
    script = tmp_path / "run.py"
    script.write_text(PREPARE_IN_TWO_PROCESSES)
    process = subprocess.Popen([sys.executable, script, grid, out, str(SHARD_BYTES)], start_new_session=True)
    work = out / ".prepare" / "samples"
    wait_until(lambda: process.poll() is not None or len(list(work.glob("*.json"))) >= 2 or list(out.glob("*.tar")))
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    wait_until(lambda: not group_lives(process.pid))  # no worker is left behind
    assert not (out / "index.json").exists()
    done = {path.stem for path in work.glob("*.json") if not path.name.startswith(".")}
    for record in (out / ".prepare").glob("shard-*.json"):
        written = ShardRecord.model_validate_json(record.read_bytes())
        done |= {clip.key for clip in [*written.samples, *written.dropped]}
    assert done

    redone = []
    progress = []
    with pytest.MonkeyPatch.context() as patch:
        real = engine.prepare_to_folder
        patch.setattr(engine, "prepare_to_folder", lambda clip, task: redone.append(clip.key) or real(clip, task))
        clips = find_clips(grid, ["s1", "unseen"])
        prepare(clips, out, SETTINGS, progress=lambda *state: progress.append(state), shard_bytes=SHARD_BYTES)
    everything = {*KEPT, *REASONS}
    assert set(redone) == everything - done
    assert len(redone) == len(set(redone))
    assert progress[0] == (len(done), len(everything))
    assert progress[-1] == (len(everything), len(everything))
    assert everything_in(out) == everything_in(prepared[0])


def wait_until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_second_run_does_nothing(grid, prepared, monkeypatch):
    out, report = prepared
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.tar")}
    monkeypatch.setattr(engine, "prepare_to_folder", lambda *args: pytest.fail("a clip was prepared again"))
    assert prepare(find_clips(grid, ["s1", "unseen"]), out, SETTINGS, shard_bytes=SHARD_BYTES) == report
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.tar")} == before


def test_other_settings_or_clips_need_another_folder(grid, prepared):
    clips = find_clips(grid, ["s1", "unseen"])
    out = prepared[0]
    with pytest.raises(OrateError, match=r"other settings \(rate\)"):
        prepare(clips, out, replace(SETTINGS, rate=16_000), shard_bytes=SHARD_BYTES)
    with pytest.raises(OrateError, match=r"other settings \(shard_bytes\)"):
        prepare(clips, out, SETTINGS)
    with pytest.raises(OrateError, match=r"other clips \(0 are new, 11 gone, for one s1_lbaq2s\)"):
        prepare(clips[:3], out, SETTINGS, shard_bytes=SHARD_BYTES)
    with pytest.raises(OrateError, match="text or cut of 1 have changed, for one of s1_bbaf2n"):
        prepare([replace(clips[0], transcript="other"), *clips[1:]], out, SETTINGS, shard_bytes=SHARD_BYTES)


def test_shard_that_is_gone_or_cut_short_is_made_again(grid, prepared, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(prepared[0], out)
    before = everything_in(out)
    (out / "shard-000001.tar").unlink()
    whole = (out / "shard-000000.tar").read_bytes()
    (out / "shard-000000.tar").write_bytes(whole[:-1])
    told = []
    clips = find_clips(grid, ["s1", "unseen"])
    prepare(clips, out, SETTINGS, shard_bytes=SHARD_BYTES, progress=lambda *state: told.append(state))
    assert everything_in(out) == before
    remade = sum(sample.shard in ("shard-000000.tar", "shard-000001.tar") for sample in read_index(out).samples)
    assert told[0] == (len(clips) - remade, len(clips))


def test_all_clips_dropped(grid, tmp_path):
    clips = [clip for clip in find_clips(grid, ["s1"]) if clip.key in ("s1_prap2s", "s1_lgar9n")]
    report = prepare(clips, tmp_path / "out")
    assert report.summary()["kept"] == 0
    index = read_index(tmp_path / "out")
    assert (index.shards, index.samples, index.fps, index.rate) == ([], [], 25, 50_000)


def test_errors_for_people(grid, tmp_path):
    with pytest.raises(OrateError, match="no clips"):
        prepare([], tmp_path)
    clips = find_clips(grid, ["s1"])
    with pytest.raises(OrateError, match="same key"):
        prepare([clips[0], clips[0]], tmp_path / "out")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OrateError, match="Cannot create"):
        prepare(clips, tmp_path / "file" / "out")


def test_command(grid, tmp_path):
    arguments = ["grid", grid, tmp_path / "out", "--speakers", "s1", "--limit", 1, "--rate", 16_000]
    options = ["--validation-every", 0, "--no-voice", "--no-offset", "--workers", 1]
    result = CliRunner().invoke(prepare_app, [str(argument) for argument in [*arguments, *options]])
    assert result.exit_code == 0, result.output
    assert "1 of 1 clips kept" in result.output
    index = read_index(tmp_path / "out")
    assert (index.rate, index.samples[0].split) == (16_000, "train")
    failing = CliRunner().invoke(prepare_app, ["grid", str(tmp_path / "none"), str(tmp_path / "other")])
    assert isinstance(failing.exception, OrateError)
    assert not Path(tmp_path / "other").exists()


def test_arrays_do_not_hold_the_time_of_day(monkeypatch):
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(2, np.float16)}
    first = encode_arrays(arrays)
    monkeypatch.setattr(time, "localtime", lambda *args: time.gmtime(10**9))
    monkeypatch.setattr(time, "time", lambda: 10.0**9)
    assert encode_arrays(arrays) == first
    assert (decode_array(first, "a") == arrays["a"]).all()


@pytest.mark.parametrize(
    "decode", [decode_video, decode_audio, lambda data: decode_array(data, "a")], ids=["video", "sound", "arrays"]
)
@pytest.mark.parametrize("data", [b"", b"no such format" * 50])
def test_bytes_of_another_kind(decode, data):
    with pytest.raises(MemberError, match="its"):
        decode(data)


def test_video_bytes_depend_on_the_frames_alone(prepared):
    out, _ = prepared
    frames = decode_video(read_member(out, read_index(out).samples[1], "mp4"))
    first = encode_video(frames, 25, 4)
    noise = np.random.default_rng(0)
    for _ in range(16):
        litter = [noise.bytes(int(size)) for size in noise.integers(1000, 200_000, 20)]
        assert encode_video(frames, 25, 4) == first
        del litter
    assert psnr_db(frames, decode_video(first)) > 48
