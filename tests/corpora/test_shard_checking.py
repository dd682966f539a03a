import json
import shutil

import pytest
from typer.testing import CliRunner

from orate.cli.prepare import prepare_app
from orate.corpora.checking import Depth, check_folder
from orate.corpora.dataset import ClipDataset
from orate.corpora.shards import read_index
from orate.errors import OrateError


@pytest.fixture
def folder(prepared, tmp_path):
    """A copy to spoil."""
    shutil.copytree(prepared[0], tmp_path / "folder", ignore=shutil.ignore_patterns(".prepare"))
    return tmp_path / "folder"


def faults(folder, depth):
    return {finding.path.name: finding.fault for finding in check_folder(folder, depth) if finding.fault}


def flip_bit(path, at):
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("depth", Depth)
def test_whole_folder(folder, depth):
    findings = list(check_folder(folder, depth))
    assert [finding.path.name for finding in findings] == [shard.name for shard in read_index(folder).shards]
    assert not faults(folder, depth)


@pytest.mark.parametrize("suffix", ["mp4", "flac", "npz", "json"])
def test_one_flipped_bit_is_found(folder, suffix):
    sample = read_index(folder).samples[2]
    member = sample.members[suffix]
    flip_bit(folder / sample.shard, member.offset + member.size // 2)
    assert faults(folder, Depth.SIZES) == {}
    assert faults(folder, Depth.BYTES) == {sample.shard: f"has changed ({sample.key}.{suffix})"}


def test_flipped_bit_between_members(folder):
    shard = read_index(folder).shards[0]
    flip_bit(folder / shard.name, 3)  # of a member's name
    assert faults(folder, Depth.BYTES) == {shard.name: "has changed (between its members)"}


def test_missing_short_and_strange_shards(folder):
    shards = read_index(folder).shards
    (folder / shards[0].name).unlink()
    whole = (folder / shards[1].name).read_bytes()
    (folder / shards[1].name).write_bytes(whole[:-512])
    (folder / "shard-000099.tar").write_bytes(b"")
    assert faults(folder, Depth.SIZES) == {
        shards[0].name: "is missing",
        shards[1].name: f"has {len(whole) - 512} bytes instead of {len(whole)}",
        "shard-000099.tar": "is not in the index: delete it",
    }


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [("frames", 19, "frames of the form (20, 128, 96, 3)"), ("key", "other", "metadata of another")],
)
def test_samples_that_are_not_as_the_index_says(folder, field, value, fault):
    index = json.loads((folder / "index.json").read_text())
    index["samples"][1][field] = value
    (folder / "index.json").write_text(json.dumps(index))
    found = faults(folder, Depth.SAMPLES)
    assert list(found) == ["index.json", index["samples"][1]["shard"]]
    assert fault in list(found.values())[1]
    assert faults(folder, Depth.BYTES) == {"index.json": "is not the one that croissant.json describes"}
    (folder / "croissant.json").unlink()
    assert not faults(folder, Depth.BYTES)


def test_folder_of_an_earlier_release(folder):
    """Its index says less of the clips, and no croissant.json lies beside it."""
    (folder / "croissant.json").unlink()
    index = json.loads((folder / "index.json").read_text())
    known = ("key", "shard", "frames", "speaker", "split", "unseen_speaker", "psnr_db", "members")
    index["samples"] = [{name: sample[name] for name in known} for sample in index["samples"]]
    del index["made"]
    (folder / "index.json").write_text(json.dumps(index, indent=1))
    assert not faults(folder, Depth.SAMPLES)
    clips = ClipDataset(folder, "all", 16_000)
    assert len(clips) == len(index["samples"])
    assert clips[0]["video"].shape == (20, 3, 128, 96)


def test_command(folder, prepared):
    good = CliRunner().invoke(prepare_app, ["check", str(folder), str(prepared[0])])
    assert good.exit_code == 0, good.output
    assert f"{2 * len(read_index(folder).shards)} shards are whole (checksums compared)" in good.output
    sample = read_index(folder).samples[0]
    flip_bit(folder / sample.shard, sample.members["mp4"].offset)
    assert CliRunner().invoke(prepare_app, ["check", "--quick", str(folder)]).exit_code == 0
    bad = CliRunner().invoke(prepare_app, ["check", "--deep", str(folder), str(prepared[0])])
    assert bad.exit_code == 1
    assert bad.stdout.splitlines()[0] == f"{folder / sample.shard} has changed ({sample.key}.mp4)"
    assert "1 file is damaged" in bad.stdout


def test_errors_for_people(folder, tmp_path):
    for arguments, message in ([str(tmp_path)], "no prepared data"), (["--quick", "--deep", str(folder)], "not both"):
        result = CliRunner().invoke(prepare_app, ["check", *arguments])
        assert isinstance(result.exception, OrateError)
        assert message in str(result.exception)
