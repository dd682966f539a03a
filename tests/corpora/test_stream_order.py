"""The order of a stream, as numbers: every clip once in a pass, near where it lies, from any position on."""

import itertools

import numpy as np
import pytest

from orate.corpora.stream_order import MIX_BLOCK, StreamOrder, shares
from orate.errors import OrateError


def corpus(clips, per_shard, first=0):
    """Numbers of the clips of each shard."""
    return [np.arange(first, first + clips)[i : i + per_shard] for i in range(0, clips, per_shard)]


def used(order, first, count):
    return [order.at(position).clip for position in range(first, first + count)]


@pytest.mark.parametrize(
    ("clips", "per_shard", "batch"),
    [(100, 10, 4), (101, 10, 4), (97, 200, 16), (5, 2, 16), (1, 1, 3), (300, 7, 24), (40, 1, 1)],
)
def test_each_clip_once_in_every_pass(clips, per_shard, batch):
    order = StreamOrder([corpus(clips, per_shard)], batch, seed=1, shuffle=32)
    assert order.clips == clips
    passes = [used(order, epoch * clips, clips) for epoch in range(4)]
    for one in passes:
        assert sorted(one) == list(range(clips))
    if clips > 10:
        assert all(one != other for one, other in itertools.combinations(passes, 2))
    assert [order.at(position).epoch for position in (0, clips - 1, clips, 3 * clips)] == [0, 0, 1, 3]


def test_the_order_follows_from_seed_and_position_alone():
    corpora, weights = [corpus(50, 8), corpus(9, 3, first=50)], [3.0, 1.0]

    def make(seed=2):
        return StreamOrder(corpora, 4, seed, weights, shuffle=40)

    whole = used(make(), 0, 500)
    for first in (0, 1, 37, 200, 499):
        assert used(make(), first, 500 - first) == whole[first:]
    backwards = make()
    assert [backwards.at(position).clip for position in reversed(range(500))] == whole[::-1]
    assert used(make(3), 0, 500) != whole
    far = 10**9 + 7  # a run of years begins as fast as a new one
    assert used(make(), far, 3) == used(make(), far, 3)


def test_shards_are_read_from_front_to_end():
    """A clip comes less than a window before or after its turn in its lane, and lanes cut the line of the shards."""
    order = StreamOrder([corpus(1000, 50)], 16, seed=3, shuffle=160)
    assert (order.lanes, order.window) == (16, 10)
    passing = order.passing(0, 1)
    where = np.argsort(passing.read)
    assert (np.abs(where[passing.used] - passing.place) < order.window).all()
    for use, (place, begin, end) in enumerate(zip(passing.place, passing.lane_begin, passing.lane_end, strict=True)):
        assert begin <= place < end
        assert begin <= where[passing.used[use]] < end
    steps = np.diff(passing.read)
    assert (steps == 1).sum() >= 1000 - 20  # each shard in the order of the file; only between shards it jumps
    assert passing.read.tolist() != sorted(passing.read)


def test_it_shuffles():
    """Neighbours in a file come apart; with a large window, when a clip comes says nothing of where it lies."""
    order = StreamOrder([corpus(3200, 100)], 16, seed=0, shuffle=10**6)
    passing = order.passing(0, 0)
    where = np.argsort(passing.read)
    begin = passing.lane_begin
    assert abs(np.corrcoef(where[passing.used] - begin, passing.place - begin)[0, 1]) < 0.1
    narrow = StreamOrder([corpus(3200, 100)], 16, seed=0, shuffle=320).passing(0, 0)
    lane = narrow.used[narrow.lane_begin == 0]
    assert (np.abs(np.diff(lane)) == 1).mean() < 0.2


def test_a_batch_draws_from_many_shards_and_each_slot_from_its_own():
    batch = 8
    order = StreamOrder([corpus(1600, 100)], batch, seed=5, shuffle=64)
    shard_of = np.arange(1600) // 100
    shards = [len({shard_of[order.at(p).clip] for p in range(t * batch, (t + 1) * batch)}) for t in range(200)]
    assert np.mean(shards) > 6
    lanes = [{int(order.passing(0, 0).lane_end[p]) for p in range(slot, 1600, batch)} for slot in range(batch)]
    assert all(not one & other for one, other in itertools.combinations(lanes, 2))
    assert len(set.union(*lanes)) == order.lanes == 16


def test_corpora_are_mixed_by_weights():
    sizes, weights = (500, 40, 300), (5.0, 4.0, 1.0)
    corpora = [corpus(size, 16, first=1000 * number) for number, size in enumerate(sizes)]
    order = StreamOrder(corpora, 8, seed=1, weights=weights, shuffle=100)
    uses = [order.at(position) for position in range(2 * MIX_BLOCK)]
    assert all(use.clip // 1000 == use.corpus for use in uses)
    for block in (uses[:MIX_BLOCK], uses[MIX_BLOCK:]):
        assert np.bincount([use.corpus for use in block]).tolist() == [5000, 4000, 1000]
    for begin in range(0, 2000, 100):  # drawn, not in turns, and even all the same
        assert 30 <= sum(use.corpus == 0 for use in uses[begin : begin + 100]) <= 70
    for number, size in enumerate(sizes):
        mine = [use for use in uses if use.corpus == number]
        for epoch in range(len(mine) // size):
            one = mine[epoch * size : (epoch + 1) * size]
            assert {use.epoch for use in one} == {epoch}
            assert sorted(use.clip for use in one) == list(range(1000 * number, 1000 * number + size))


def test_slots_keep_their_lanes_in_a_mix():
    corpora = [corpus(500, 16), corpus(300, 16, first=1000)]
    order = StreamOrder(corpora, 4, seed=1, weights=[2, 1], shuffle=64)
    lanes = [set() for _ in range(4)]
    for position in range(1500):
        use = order.at(position)
        lanes[position % 4].add((use.corpus, use.epoch, int(order.passing(use.corpus, use.epoch).lane_end[use.number])))
    assert all(not one & other for one, other in itertools.combinations(lanes, 2))


def test_a_corpus_of_weight_zero_is_left_out():
    order = StreamOrder([corpus(5, 5), corpus(7, 5, first=10)], 2, 0, weights=[0, 2])
    assert order.clips == 7
    assert sorted(used(order, 0, 7)) == list(range(10, 17))


@pytest.mark.parametrize(
    ("weights", "counts"),
    [([1], [10_000]), ([1, 1, 1], [3334, 3333, 3333]), ([2, 0, 6], [2500, 0, 7500]), ([1e-9, 1], [1, 9999])],
)
def test_shares(weights, counts):
    assert shares(weights) == counts


@pytest.mark.parametrize("weights", [[-1, 2], [0, 0], [float("nan"), 1], [float("inf"), 1]])
def test_weights_that_are_no_shares(weights):
    with pytest.raises(OrateError, match=r"data\.weights"):
        shares(weights)
