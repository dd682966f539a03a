import pickle
import shutil

import numpy as np
import pytest
import soxr
import torch
from torch.utils.data import DataLoader

from orate.corpora.codec import decode_array, decode_audio, decode_video
from orate.corpora.dataset import ClipDataset
from orate.corpora.mirror import mirror_landmarks
from orate.corpora.shards import read_index, read_member
from orate.errors import OrateError


@pytest.fixture
def folder(prepared):
    return prepared[0]


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in ("video", "audio", "landmarks"))


def test_splits(folder):
    keys = {
        split: [clip["key"] for clip in ClipDataset(folder, split, 50_000)]
        for split in ("train", "validation", "unseen", "all")
    }
    assert keys["train"] == ["s1_bbaf3s", "s1_bgbu2a", "s1_lbaq2s", "s1_pgbq8s"]
    assert keys["validation"] == ["s1_bbaf2n", "unseen_sbwe5n"]
    assert keys["unseen"] == ["unseen_sbwe5n"]
    assert sorted(keys["train"] + keys["validation"]) == sorted(keys["all"])
    with pytest.raises(OrateError, match=r"no split 'tests'.*train, validation, test, unseen, all"):
        ClipDataset(folder, "tests", 50_000)


def test_whole_clip_is_what_the_shard_holds(folder):
    clips = ClipDataset([folder], "train", 50_000)
    sample, clip = clips.sample(0), clips[0]
    assert clip["video"].dtype == torch.uint8
    assert clip["video"].shape == (20, 3, 128, 96)
    frames = decode_video(read_member(folder, sample, "mp4"))
    assert (clip["video"].permute(0, 2, 3, 1).numpy() == frames).all()
    audio, _ = decode_audio(read_member(folder, sample, "flac"))
    assert (clip["audio"].numpy() == audio).all()
    landmarks = decode_array(read_member(folder, sample, "npz"), "landmarks")
    assert (clip["landmarks"].numpy() == landmarks[..., :2]).all()
    assert (clip["key"], clip["speaker"]) == ("s1_bbaf3s", "s1")
    assert clips.meta(0)["transcript"] == "bin blue at f three soon"


@pytest.mark.parametrize("rate", [50_000, 16_000])
def test_windows_of_sound_and_picture_agree(folder, rate):
    """The flash and the click stay together wherever the window begins."""
    clips = ClipDataset(folder, "all", rate, frames_per_clip=15, seed=3)
    starts = set()
    for epoch in range(4):
        clips.set_epoch(epoch)
        for clip in clips:
            assert clip["audio"].shape == (15 * rate // 25,)
            frame = int(clip["video"].float().mean((1, 2, 3)).argmax())
            starts.add(12 - frame)
            assert abs(float(clip["audio"].abs().argmax()) / rate - frame / 25) < 1 / 25
    assert len(starts) > 3


def test_resampling(folder):
    at_50, at_16 = (ClipDataset(folder, "train", rate)[0]["audio"].numpy() for rate in (50_000, 16_000))
    assert len(at_16) == 12_800
    assert np.allclose(at_16, soxr.resample(at_50, 50_000, 16_000)[:12_800], atol=1e-6)


def test_draws_depend_on_seed_epoch_and_index_alone(folder):
    def clips(seed=1, epoch=2):
        made = ClipDataset(folder, "all", 16_000, 8, mirror=True, seed=seed)
        made.set_epoch(epoch)
        return made

    expected = list(clips())
    backwards = clips()
    assert all(same(backwards[i], expected[i]) for i in reversed(range(len(expected))))
    other_epoch, other_seed = list(clips(epoch=3)), list(clips(seed=2))
    assert not all(map(same, expected, other_epoch))
    assert not all(map(same, expected, other_seed))


def test_worker_processes_give_the_same_and_see_the_epoch(folder, tmp_path):
    clips = ClipDataset(folder, "all", 16_000, 8, mirror=True, seed=1, cache=True, cache_folder=tmp_path)
    loader = DataLoader(clips, batch_size=2, num_workers=2, persistent_workers=True, multiprocessing_context="spawn")
    plain = ClipDataset(folder, "all", 16_000, 8, mirror=True, seed=1)
    for epoch in (0, 5):
        clips.set_epoch(epoch)
        plain.set_epoch(epoch)
        batches = list(loader)
        assert torch.equal(torch.cat([b["video"] for b in batches]), torch.stack([c["video"] for c in plain]))
        assert [key for b in batches for key in b["key"]] == [c["key"] for c in plain]


def test_mirroring(folder):
    plain = ClipDataset(folder, "all", 16_000)
    mirroring = ClipDataset(folder, "all", 16_000, mirror=True, seed=4)
    outcomes = set()
    for epoch in range(3):
        mirroring.set_epoch(epoch)
        for one, other in zip(plain, mirroring, strict=True):
            mirrored = not torch.equal(one["video"], other["video"])
            outcomes.add(mirrored)
            if mirrored:
                assert torch.equal(one["video"].flip(-1), other["video"])
                expected = mirror_landmarks(one["landmarks"].numpy(), 96)
                assert (other["landmarks"].numpy() == expected).all()
            assert torch.equal(one["audio"], other["audio"])
    assert outcomes == {True, False}


def test_cache_gives_the_same(folder, tmp_path):
    plain = ClipDataset(folder, "all", 16_000, 8, mirror=True)
    for _ in range(2):  # filled, then used
        cached = ClipDataset(folder, "all", 16_000, 8, mirror=True, cache=True, cache_folder=tmp_path / "cache")
        assert all(map(same, plain, cached))
        assert same(pickle.loads(pickle.dumps(cached))[1], plain[1])  # noqa: S301
    assert len(list((tmp_path / "cache").iterdir())) == 6  # frames, sound, landmarks, and the marks of each


def test_cache_spares_the_shards(folder, tmp_path, monkeypatch):
    def clips():
        return ClipDataset(folder, "train", 16_000, cache=True, cache_folder=tmp_path)

    expected = list(clips())
    monkeypatch.setattr("orate.corpora.clip_reader.read_member", lambda *args: pytest.fail("a shard was read"))
    assert all(map(same, clips(), expected))


def test_clips_shorter_than_asked_are_left_out(folder):
    assert len(ClipDataset(folder, "train", 50_000, frames_per_clip=20)) == 4
    assert len(ClipDataset(folder, "train", 50_000, frames_per_clip=21)) == 0


def copy(folder, target):
    shutil.copytree(folder, target)
    return target


def test_changed_byte_names_the_shard(folder, tmp_path):
    damaged = copy(folder, tmp_path / "damaged")
    sample = read_index(damaged).samples[0]
    path = damaged / sample.shard
    data = bytearray(path.read_bytes())
    data[sample.members["mp4"].offset + 100] ^= 1
    path.write_bytes(data)
    clips = ClipDataset(damaged, "all", 50_000)
    with pytest.raises(OrateError, match=rf"{sample.shard} is damaged at s1_bbaf2n\.mp4"):
        clips[0]
    assert clips[1]["key"] == "s1_bbaf3s"


def test_cut_or_missing_shard_is_named(folder, tmp_path):
    damaged = copy(folder, tmp_path / "damaged")
    name = read_index(damaged).shards[0].name
    data = (damaged / name).read_bytes()
    (damaged / name).write_bytes(data[:-5000])
    with pytest.raises(OrateError, match=rf"{name} has {len(data) - 5000} bytes instead of {len(data)}"):
        ClipDataset(damaged, "all", 50_000)
    (damaged / name).unlink()
    with pytest.raises(OrateError, match=f"{name} is missing"):
        ClipDataset(damaged, "all", 50_000)


def test_folder_that_was_never_prepared(tmp_path):
    with pytest.raises(OrateError, match="holds no prepared data"):
        ClipDataset(tmp_path, "train", 50_000)
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(OrateError, match="cannot be read"):
        ClipDataset(tmp_path, "train", 50_000)
    (tmp_path / "index.json").write_text(
        '{"version": 9, "fps": 25, "rate": 1, "height": 1, "width": 1, "shards": [], "samples": []}'
    )
    with pytest.raises(OrateError, match="version 9"):
        ClipDataset(tmp_path, "train", 50_000)


def test_folders_must_fit_together(folder, tmp_path):
    other = copy(folder, tmp_path / "other")
    index = read_index(other).model_copy(update={"fps": 30.0})
    (other / "index.json").write_text(index.model_dump_json())
    with pytest.raises(OrateError, match="differ in frame rate"):
        ClipDataset([folder, other], "train", 50_000)
    assert len(ClipDataset([folder, copy(folder, tmp_path / "twin")], "train", 50_000)) == 8
