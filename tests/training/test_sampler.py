import pytest

from orate.errors import OrateError
from orate.training.sampler import BatchOrder


def test_an_epoch_takes_each_clip_at_most_once():
    order = BatchOrder(clips=11, batch_size=3, seed=1)
    assert order.steps_per_epoch == 3
    taken = [clip for batch in order.batches(0) for clip in batch]
    assert len(taken) == len(set(taken)) == 9
    assert set(taken) <= set(range(11))


def test_every_epoch_has_its_own_order_and_every_seed():
    order = BatchOrder(40, 4, seed=1)
    epochs = [list(order.batches(epoch)) for epoch in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    assert list(BatchOrder(40, 4, seed=2).batches(0)) != epochs[0]
    assert list(BatchOrder(40, 4, seed=1).batches(2)) == epochs[2]


def test_no_clip_is_left_out_for_good():
    order = BatchOrder(11, 3, seed=0)
    assert {clip for epoch in range(10) for batch in order.batches(epoch) for clip in batch} == set(range(11))


def test_from_any_step_on_the_order_is_the_same():
    order = BatchOrder(11, 3, seed=1)
    whole = [batch for epoch in range(3) for batch in order.batches(epoch)]
    for step in range(9):
        rest = [*order.batches(order.epoch(step), step % 3)]
        for epoch in range(order.epoch(step) + 1, 3):
            rest += order.batches(epoch)
        assert rest == whole[step:]


@pytest.mark.parametrize("world", [2, 3, 6])
def test_ranks_share_each_batch(world):
    whole = list(BatchOrder(20, 6, seed=4).batches(5))
    shares = [list(BatchOrder(20, 6, 4, rank, world).batches(5)) for rank in range(world)]
    for number, batch in enumerate(whole):
        parts = [share[number] for share in shares]
        assert {len(part) for part in parts} == {6 // world}
        assert sorted(clip for part in parts for clip in part) == sorted(batch)


def test_errors():
    with pytest.raises(OrateError, match="has 3 training clips, a batch needs 4"):
        BatchOrder(3, 4, 0)
    with pytest.raises(OrateError, match="batch of 4 clips cannot be shared by 3 devices"):
        BatchOrder(9, 4, 0, rank=0, world=3)
