"""Decoded clips in a file that all processes of a machine share through its page cache."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from orate.errors import OrateError

PRESENT = 1 << 32  # beside the CRC-32, so that an item whose checksum is zero is not taken for a missing one


class SharedCache:
    """Arrays of known lengths, put once by whichever process comes first.

    An item counts only if its checksum holds, so neither a race between two writers nor a crash between data and mark
    can give wrong values: both writers write the same bytes, and what is torn is decoded again. Raises OrateError when
    the folder cannot be written or the disk lacks room.
    """

    def __init__(self, path: Path, dtype: DTypeLike, lengths: Sequence[int]) -> None:
        self._path = path
        self._dtype = np.dtype(dtype)
        self._ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self._data: NDArray[np.generic] | None = None
        self._marks: NDArray[np.uint64] | None = None
        self._verified: set[int] = set()
        marks_path = path.with_suffix(".marks")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._reserve(path, int(self._ends[-1]) * self._dtype.itemsize)
            self._reserve(marks_path, len(lengths) * np.dtype(np.uint64).itemsize)
        except OSError as error:
            raise OrateError(
                f"Cannot create the cache {path} ({error.strerror}): choose another folder or train without a cache."
            ) from error

    @staticmethod
    def _reserve(path: Path, size: int) -> None:
        with path.open("ab") as file:
            taken = os.fstat(file.fileno()).st_blocks * 512 if hasattr(os.stat_result, "st_blocks") else 0
            missing = size - taken
            if missing > shutil.disk_usage(path.parent).free:
                raise OrateError(
                    f"The cache {path} needs {missing / 1e9:.1f} GB and the disk has less: free some or train without."
                )
            file.truncate(size)

    def get(self, item: int) -> NDArray[np.generic] | None:
        """A read-only flat view of an item, or None when it has not been put yet."""
        data, marks = self._open()
        view = data[self._ends[item] : self._ends[item + 1]]
        if item not in self._verified:
            if int(marks[item]) != PRESENT | zlib.crc32(view.data):
                return None
            self._verified.add(item)
        view.flags.writeable = False
        return view

    def put(self, item: int, values: NDArray[np.generic]) -> None:
        """Store an item; its size must be the length declared."""
        data, marks = self._open()
        data[self._ends[item] : self._ends[item + 1]] = values.ravel()
        marks[item] = PRESENT | zlib.crc32(np.ascontiguousarray(values, self._dtype).data)

    def _open(self) -> tuple[NDArray[np.generic], NDArray[np.uint64]]:
        """The mapped files; opened in the process that uses them."""
        if self._data is None or self._marks is None:
            self._data = np.memmap(self._path, self._dtype, "r+", shape=(int(self._ends[-1]),))
            self._marks = np.memmap(self._path.with_suffix(".marks"), np.uint64, "r+", shape=(len(self._ends) - 1,))
        return self._data, self._marks

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_data": None, "_marks": None, "_verified": set()}
