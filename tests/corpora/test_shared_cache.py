import pickle

import numpy as np
import pytest

from orate.corpora.cache import SharedCache
from orate.errors import OrateError


def test_items_are_there_for_another_process(tmp_path):
    first = SharedCache(tmp_path / "cache" / "a.u8", np.uint8, [4, 6])
    second = SharedCache(tmp_path / "cache" / "a.u8", np.uint8, [4, 6])
    assert first.get(1) is None
    first.put(1, np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert second.get(0) is None
    assert second.get(1).tolist() == list(range(6))
    assert pickle.loads(pickle.dumps(second)).get(1).tolist() == list(range(6))  # noqa: S301
    assert len(pickle.dumps(second)) < 2000


def test_zeros_are_not_taken_for_a_missing_item(tmp_path):
    cache = SharedCache(tmp_path / "a.f32", np.float32, [0, 3])
    assert cache.get(0) is None
    cache.put(1, np.zeros(3, np.float32))
    assert cache.get(1).tolist() == [0, 0, 0]


def test_torn_data_counts_as_missing(tmp_path):
    SharedCache(tmp_path / "a.u8", np.uint8, [8]).put(0, np.arange(8, dtype=np.uint8))
    data = bytearray((tmp_path / "a.u8").read_bytes())
    data[3] = 99
    (tmp_path / "a.u8").write_bytes(data)
    assert SharedCache(tmp_path / "a.u8", np.uint8, [8]).get(0) is None


def test_views_are_read_only(tmp_path):
    cache = SharedCache(tmp_path / "a.u8", np.uint8, [2])
    cache.put(0, np.ones(2, np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        cache.get(0)[0] = 5


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OrateError, match="Cannot create the cache"):
        SharedCache(tmp_path / "file" / "a.u8", np.uint8, [2])


def test_more_than_the_disk_holds(tmp_path):
    with pytest.raises(OrateError, match="GB"):
        SharedCache(tmp_path / "a.u8", np.uint8, [10**15])
    assert (tmp_path / "a.u8").stat().st_size == 0
