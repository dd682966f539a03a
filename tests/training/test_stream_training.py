"""Training from a stream: bit for bit the same when it is resumed, whoever loads, and over several devices."""

import os
import signal

import pytest
import torch
import yaml
from synthetic_corpus import speaking_clip, write_corpus
from test_run import PHASES, assert_same
from test_two_processes import assert_in_step, finish, ranks, start

from orate.corpora.dataset import ClipDataset
from orate.errors import OrateError
from orate.training.batches import Batches, wants_stream
from orate.training.config import DataConfig, load_config
from orate.training.run_folder import RECIPE_FILE
from orate.training.state import load_state
from orate.training.trainer import STATE_FILE

RATE = 8_000
STREAM = ("data.stream=true", "data.shuffle=3")
MIXED = (*STREAM, "data.weights=[1, 2]")


@pytest.fixture(scope="module")
def folders(corpus, tmp_path_factory):
    """The corpus of seven clips, and one of three."""
    clips = [speaking_clip(f"s2_{number}", 20 + number, speaker="s2") for number in range(3)]
    return [corpus, write_corpus(tmp_path_factory.mktemp("more") / "b", clips)]


@pytest.fixture(scope="module")
def train(shrunk, make_trainer, folders):
    """A run up to a step: (folder, steps, *overrides) -> its state."""

    def run(folder, steps, *overrides):
        config = shrunk("paper-small", *PHASES, f"run.steps={steps}", *overrides)
        make_trainer(config, folder, data=folders).fit()
        return load_state(folder / STATE_FILE)

    return run


@pytest.fixture(scope="module")
def whole(train, tmp_path_factory):
    """The states of twelve steps in one go, two epochs and two steps, of either kind of stream."""
    return {kind: train(tmp_path_factory.mktemp("whole"), 12, *kind) for kind in (STREAM, MIXED)}


@pytest.mark.parametrize("kind", [STREAM, MIXED], ids=["each clip once", "by weights"])
@pytest.mark.parametrize("stops", [[5], [1, 7]], ids=["between epochs", "within them"])
def test_resume_equals_uninterrupted(whole, train, tmp_path, kind, stops):
    for stop in [*stops, 12]:
        state = train(tmp_path, stop, *kind)
        assert state["step"] == stop
    assert_same(state, whole[kind])


def test_the_order_is_another_one(whole, train, tmp_path):
    name = "frame_decoder.to_rgb.weight"
    plain, mixed = (whole[kind]["gan"]["average"][name] for kind in (STREAM, MIXED))
    assert not torch.equal(plain, mixed)
    assert not torch.equal(plain, train(tmp_path / "random", 12)["gan"]["average"][name])
    assert not torch.equal(plain, train(tmp_path / "seed", 12, *STREAM, "run.seed=1")["gan"]["average"][name])


def batches(folders, count, step=0, rank=0, world=1, **options):
    data = DataConfig(batch_size=4, clip_frames=8, workers=options.pop("workers", 0), **options)
    loaded = Batches(data, ClipDataset(folders, "train", RATE, 8, seed=2), 2, rank, world).from_step(step)
    made = [next(loaded) for _ in range(count)]
    loaded.close()
    return made


@pytest.mark.parametrize(
    "options", [{"stream": False}, {"stream": True}, {"weights": [2, 1]}], ids=["random", "stream", "mixed"]
)
def test_who_loads_changes_nothing(folders, options):
    """Neither processes of the loader nor several devices, from any step on."""
    expected = batches(folders, 6, **options)
    assert_same(batches(folders, 4, step=2, **options), expected[2:])
    assert_same(batches(folders, 3, step=3, workers=2, **options), expected[3:])
    for rank in range(2):
        for mine, all_of_it in zip(batches(folders, 6, rank=rank, world=2, **options), expected, strict=True):
            assert mine["key"] == all_of_it["key"][rank::2]
            assert torch.equal(mine["video"], all_of_it["video"][rank::2])


def test_two_processes_learn_from_one_stream(corpus, tmp_path):
    """Kept to one short run: starting two processes takes seconds; who gets what is tested above."""
    options = [word for setting in STREAM for word in ("--set", setting)]
    code, errors = finish(start(tmp_path, corpus, "--steps", "3", *options))
    assert code == 0, errors
    first, second = ranks(tmp_path)
    assert first["step"] == 3
    assert_in_step(first, second)


def test_what_is_streamed(folders, monkeypatch):
    clips = ClipDataset(folders, "train", RATE)
    assert clips.decoded_bytes == 10 * 12 * 32 * 24 * 3
    assert not wants_stream(DataConfig(), clips)
    assert wants_stream(DataConfig(stream=True), clips)
    assert wants_stream(DataConfig(weights=[1, 2]), clips)
    monkeypatch.setattr("orate.training.batches.STREAM_BYTES", clips.decoded_bytes - 1)
    assert wants_stream(DataConfig(), clips)
    assert not wants_stream(DataConfig(stream=False), clips)


def test_settings_from_the_command_line():
    config = load_config("paper", ["data.weights={grid: 2, lrw: 1}", "data.stream=true"])
    assert config.data.weights == {"grid": 2, "lrw": 1}
    with pytest.raises(OrateError, match=r"'data'.*weights mix a stream"):
        load_config("paper", ["data.weights=[1, 2]", "data.stream=false"])
    with pytest.raises(OrateError, match=r"'data\.shuffle'"):
        load_config("paper", ["data.shuffle=0"])


def test_too_few_clips_and_odd_batches(folders):
    with pytest.raises(OrateError, match="has 3 training clips, a batch needs 4"):
        batches(folders[1:], 1, stream=True)
    with pytest.raises(OrateError, match="has 3 training clips, a batch needs 4"):
        batches(folders, 1, weights=[0, 1])
    with pytest.raises(OrateError, match="cannot be shared by 3 devices"):
        batches(folders, 1, world=3, stream=True)


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_in_a_loader_process_is_one_sentence(tmp_path, stream):
    folder = write_corpus(tmp_path / "shards", [speaking_clip(f"s1_{number}", number) for number in range(4)])
    shard = folder / "shard-000000.tar"
    data = bytearray(shard.read_bytes())
    data[600:] = bytes(len(data) - 600)
    shard.write_bytes(data)
    for workers in (0, 1):
        with pytest.raises(OrateError) as raised:
            batches(folder, 1, stream=stream, workers=workers)
        assert str(raised.value).startswith(f"Shard {shard} is damaged at s1_")
        assert str(raised.value).endswith("delete it and prepare again.")
        assert "\n" not in str(raised.value)


def test_a_killed_loader_process_is_one_sentence(folders, monkeypatch):
    monkeypatch.setattr(ClipDataset, "item", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(OrateError, match=r"loader process was killed.*fewer data\.workers\.$"):
        batches(folders, 1, stream=True, workers=1)


def test_a_run_from_before_there_were_streams_goes_on(train, tmp_path):
    train(tmp_path, 1)
    recipe = yaml.safe_load((tmp_path / RECIPE_FILE).read_text())
    for name in ("stream", "shuffle", "weights"):
        del recipe["data"][name]
    (tmp_path / RECIPE_FILE).write_text(yaml.safe_dump(recipe))
    assert train(tmp_path, 2)["step"] == 2
    with pytest.raises(OrateError, match="holds a run of another config"):
        train(tmp_path, 3, *STREAM)
