"""Clips as a stream: what a reader gives out, over processes, from any place on, and what it asks the system for."""

import itertools
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from synthetic_corpus import RATE, speaking_clip, write_corpus
from torch.utils.data import DataLoader

from orate.corpora.dataset import ClipDataset
from orate.corpora.shards import INDEX_NAME, Index, Member, Sample, Shard, read_index
from orate.corpora.stream import ClipStream
from orate.errors import OrateError

CLIPS = 11


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two corpora: a of seven clips with one held out between them, b of four."""
    place = tmp_path_factory.mktemp("stream")
    clips = [speaking_clip(f"a_{number}", number) for number in range(7)]
    clips.insert(3, speaking_clip("a_held", 8, split="validation"))
    clips.append(speaking_clip("a_test", 9, split="test"))
    others = [speaking_clip(f"b_{number}", 10 + number) for number in range(4)]
    return [write_corpus(place / "a", clips), write_corpus(place / "b", others)]


def dataset(folders, **options):
    return ClipDataset(folders, "train", RATE, 8, mirror=True, seed=3, **options)


def stream(folders, batch_size=4, **options):
    return ClipStream(dataset(folders), batch_size, seed=1, **options)


def same(one, other):
    return one["key"] == other["key"] and all(
        torch.equal(one[name], other[name]) for name in ("video", "audio", "landmarks")
    )


def keys(items):
    return [item["key"] for item in items]


def take(items, count):
    return list(itertools.islice(items, count))


def test_the_test_split(folders):
    assert keys(ClipDataset(folders, "test", RATE)) == ["a_test"]
    assert keys(ClipDataset(folders, "validation", RATE)) == ["a_held"]
    assert not {"a_test", "a_held"} & set(keys(dataset(folders)))


def test_items_are_those_of_the_dataset_in_another_order(folders):
    clips = dataset(folders)
    index = {clips.sample(i).key: i for i in range(len(clips))}
    streamed = take(stream(folders), 3 * CLIPS)
    for epoch in range(3):
        for item in streamed[epoch * CLIPS : (epoch + 1) * CLIPS]:
            assert same(item, clips.item(index[item["key"]], epoch))
    assert len({tuple(keys(streamed[e * CLIPS : (e + 1) * CLIPS])) for e in range(3)}) == 3


@pytest.mark.parametrize(("world", "workers"), [(1, 1), (1, 3), (2, 1), (2, 2), (4, 5)])
def test_every_clip_once_in_an_epoch_over_all_processes(folders, monkeypatch, world, workers):
    """And each batch is the same clips, whoever brings them."""
    whole = take(stream(folders), 3 * CLIPS)
    batches: dict[tuple[int, int], list] = {}
    for rank, worker in itertools.product(range(world), range(workers)):
        info = SimpleNamespace(id=worker, num_workers=workers)
        monkeypatch.setattr("orate.corpora.stream.get_worker_info", lambda info=info: info)
        mine = stream(folders, rank=rank, world=world, epochs=3)
        for number, item in enumerate(mine):
            share = 4 // world
            batches.setdefault((worker + workers * (number // share), rank), []).append(item)
    given = [batches.get((batch, rank), []) for batch in range(9) for rank in range(world)]
    assert sum(map(len, given)) == 3 * CLIPS
    for batch in range(9):
        mixed: list = [None] * len(whole[batch * 4 : batch * 4 + 4])
        for rank in range(world):
            mixed[rank::world] = given[batch * world + rank]
        assert all(map(same, mixed, whole[batch * 4 : batch * 4 + 4]))


@pytest.mark.parametrize(
    ("method", "persistent", "workers"), [("fork", False, 2), ("fork", True, 2), ("spawn", True, 2)]
)
def test_loader_processes_change_nothing(folders, method, persistent, workers):
    mine = stream(folders, epochs=2)
    loader = DataLoader(mine, 4, num_workers=workers, persistent_workers=persistent, multiprocessing_context=method)
    plain = stream(folders, epochs=2)
    for epoch in (0, 5):
        mine.set_epoch(epoch)
        plain.set_epoch(epoch)
        expected = list(DataLoader(plain, 4))
        batches = list(loader)
        assert [batch["key"] for batch in batches] == [batch["key"] for batch in expected]
        for batch, wanted in zip(batches, expected, strict=True):
            assert torch.equal(batch["video"], wanted["video"])
    assert len(batches) == 6
    assert [len(batch["key"]) for batch in batches] == [4, 4, 4, 4, 4, 2]


def test_it_goes_on_from_any_place(folders):
    whole = take(stream(folders), 30)
    for place in (0, 1, 4, 11, 17):
        interrupted = iter(first := stream(folders))
        take(interrupted, place)
        state = json.loads(json.dumps(first.state_dict()))
        later = stream(folders)
        later.load_state_dict(state)
        assert later.state_dict() == state
        assert all(map(same, take(later, 30 - place), whole[place:]))
        assert take(later, 1)[0]["key"] == whole[0]["key"]  # once only
    sought = stream(folders)
    sought.seek(4 * 3)
    assert all(map(same, take(sought, 30 - 12), whole[12:]))
    assert sought.state_dict()["given"] == 18


def test_it_goes_on_in_loader_processes(folders, monkeypatch):
    """As torchdata's StatefulDataLoader does: each process keeps its own state."""

    def reader(worker):
        info = SimpleNamespace(id=worker, num_workers=2)
        monkeypatch.setattr("orate.corpora.stream.get_worker_info", lambda: info)
        return stream(folders)

    for worker in range(2):
        whole = take(reader(worker), 20)
        first = reader(worker)
        take(first, 7)
        state = first.state_dict()
        later = reader(worker)
        later.load_state_dict(state)
        assert all(map(same, take(later, 13), whole[7:]))
    with pytest.raises(OrateError, match="another loader process"):
        reader(0).load_state_dict(state)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batch_size": 2}, "order of clips"),
        ({"shuffle": 3}, "order of clips"),
        ({"weights": [1, 2]}, "order of clips"),
        ({"world": 2}, "number of devices"),
    ],
)
def test_the_state_of_another_stream_is_refused(folders, options, told):
    with pytest.raises(OrateError, match=f"another {told}"):
        stream(folders, **options).load_state_dict(stream(folders).state_dict())


def test_weights_by_folder_and_by_name(folders, tmp_path):
    by_folder = keys(take(stream(folders, weights=[1, 3]), 40))
    assert 20 < sum(key.startswith("b") for key in by_folder) < 40
    assert keys(take(stream(folders, weights={"a": 1, "b": 3}), 40)) == by_folder
    assert keys(take(stream(folders, weights=[1, 0]), 7)) != by_folder[:7]
    assert {key[0] for key in keys(take(stream(folders, weights=[1, 0]), 40))} == {"a"}
    named = tmp_path / "named"  # what the samples say of their corpus comes before the folder's name
    named.mkdir()
    index = read_index(folders[1])
    samples = [sample.model_copy(update={"corpus": "grid"}) for sample in index.samples]
    (named / INDEX_NAME).write_text(index.model_copy(update={"samples": samples}).model_dump_json())
    (named / "shard-000000.tar").symlink_to(folders[1] / "shard-000000.tar")
    assert keys(take(stream([folders[0], named], weights={"a": 1, "grid": 3}), 40)) == by_folder


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([1], "1 data.weights for 2 folders"),
        ({"a": 1}, "clips are of a, b, data.weights names a"),
        ({"a": 1, "b": 1, "c": 1}, "no clips of c"),
        ([1, -1], "must be numbers from 0 on"),
    ],
)
def test_weights_that_do_not_fit(folders, weights, told):
    with pytest.raises(OrateError, match=told):
        stream(folders, weights=weights)


def test_batches_that_cannot_be_shared_and_empty_folders(folders):
    with pytest.raises(OrateError, match="batch of 4 clips cannot be shared by 3 devices"):
        stream(folders, world=3)
    with pytest.raises(OrateError, match="no clips to stream"):
        ClipStream(ClipDataset(folders, "unseen", RATE), 1)


def test_a_changed_byte_names_the_shard(folders, tmp_path):
    damaged = write_corpus(tmp_path / "damaged", [speaking_clip(f"s1_{number}", number) for number in range(3)])
    sample = read_index(damaged).samples[1]
    data = bytearray((damaged / sample.shard).read_bytes())
    data[sample.members["flac"].offset + 9] ^= 1
    (damaged / sample.shard).write_bytes(data)
    with pytest.raises(OrateError, match=rf"{sample.shard} is damaged at s1_1\.flac"):
        take(stream(damaged), 3)
    with pytest.raises(OrateError, match=rf"{sample.shard} is damaged at s1_1\.flac"):
        take(DataLoader(stream(damaged), 1, num_workers=1, multiprocessing_context="fork"), 3)


def hollow(folder, shards, clips):
    """An index of many clips in shards that hold nothing."""
    folder.mkdir()
    samples = [
        Sample(
            key=f"s{shard}_{clip}",
            shard=f"shard-{shard:06d}.tar",
            frames=8,
            speaker="s1",
            split="validation" if clip % 20 == 19 else "train",
            unseen_speaker=False,
            psnr_db=50,
            members={"mp4": Member(offset=1000 * clip + 512, size=488, crc32=0)},
        )
        for shard in range(shards)
        for clip in range(clips)
    ]
    files = [Shard(name=f"shard-{shard:06d}.tar", bytes=1000 * clips, sha256="") for shard in range(shards)]
    for file in files:
        (folder / file.name).write_bytes(bytes(file.bytes))
    index = Index(fps=25, rate=RATE, height=32, width=24, shards=files, samples=samples)
    (folder / INDEX_NAME).write_text(index.model_dump_json())
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="the advice is taken elsewhere too, but cannot be overheard")
@pytest.mark.parametrize("first", [0, 600])
def test_what_is_read_was_asked_for_before_and_only_once(tmp_path, monkeypatch, first):
    clips = ClipDataset(hollow(tmp_path / "shards", 6, 300), "train", RATE)
    asked: list[tuple[str, int, int]] = []

    def ask(file, begin, size, advice):
        assert advice == os.POSIX_FADV_WILLNEED
        asked.append((str(Path(f"/proc/self/fd/{file}").readlink()), begin, begin + size))

    def item(index, epoch):
        sample = clips.sample(index)
        member, shard = sample.members["mp4"], str(tmp_path / "shards" / sample.shard)
        assert any(
            file == shard and begin <= member.offset and member.offset + member.size <= end
            for file, begin, end in asked
        )
        return sample.key

    monkeypatch.setattr(os, "posix_fadvise", ask)
    monkeypatch.setattr(clips, "item", item)
    mine = ClipStream(clips, 2, seed=1, shuffle=640)
    mine.seek(first)
    assert len(take(mine, len(clips) - first)) == len(clips) - first
    pieces = sorted(asked)
    assert all(one[0] != other[0] or one[2] <= other[1] for one, other in itertools.pairwise(pieces))
    assert len(pieces) < len(clips) / 20  # neighbours are asked for together
