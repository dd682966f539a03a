"""Paths for people: what is wrong with an input, and outputs that appear whole or not at all."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orate.errors import OrateError


def check_input(path: str | Path) -> Path:
    """The path as a ``Path``, once it is known to be a file with something in it.

    Raises:
        OrateError: there is no such file, it is a folder, it is empty, or it may not be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise OrateError(f"{path} is empty (0 bytes).")
    except OSError as error:
        raise input_error(path, error) from error
    except ValueError as error:  # a NUL byte in the name
        raise OrateError(f"{str(path)!r} is not the name of a file.") from error
    return path


def input_error(path: str | Path, error: OSError) -> OrateError:
    """The sentence for an operating-system error met while reading ``path``."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return OrateError(f"There is no file {path}.")
    if isinstance(error, IsADirectoryError):
        return OrateError(f"{path} is a folder, not a file.")
    if isinstance(error, PermissionError):
        return OrateError(f"{path} may not be read: permission denied.")
    return OrateError(f"{path} cannot be read: {error.strerror or error}.")


def output_error(path: str | Path, error: OSError) -> OrateError:
    """The sentence for an operating-system error met while writing ``path``."""
    path = Path(path)
    if error.errno == errno.ENOSPC:
        return OrateError(f"{path} cannot be written: the disk is full.")
    if error.errno == errno.EFBIG:
        return OrateError(f"{path} cannot be written: it would be larger than a file may be here.")
    if error.errno == errno.EDQUOT:
        return OrateError(f"{path} cannot be written: your disk quota is used up.")
    if error.errno == errno.ENAMETOOLONG:
        return OrateError(f"The output cannot be written: its name is too long, {len(path.name)} characters.")
    missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    if missing and not path.parent.is_dir():
        return OrateError(f"{path} cannot be written: there is no folder {path.parent}.")
    if missing or isinstance(error, PermissionError) or error.errno == errno.EROFS:  # /proc has no room for files
        return OrateError(f"{path} cannot be written: the folder {path.parent} is not writable.")
    return OrateError(f"{path} cannot be written: {error.strerror or error}.")


def temporary_beside(path: str | Path) -> Path:
    """A hidden name in the folder of ``path``, created empty so that an unusable folder is known at once.

    Raises:
        OrateError: the folder is missing or not writable, ``path`` is itself a folder, or no name of a file.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise OrateError(f"{path} is a folder: name a file to write.")
        path.lstat()  # a name that no file can have is known now, not when the video is done
    except FileNotFoundError:
        pass
    except OSError as error:
        raise output_error(path, error) from error
    except ValueError as error:
        raise OrateError(f"{str(path)!r} is not the name of a file.") from error
    temporary = path.with_name(f".orate-{secrets.token_hex(8)}.part")
    try:
        temporary.open("xb").close()
    except OSError as error:
        raise output_error(path, error) from error
    return temporary


@contextmanager
def whole_file(path: str | Path, name: str | Path | None = None) -> Iterator[Path]:
    """Yields a temporary path; on clean exit it is moved to ``path``, on any exception removed.

    Args:
        path: the file.
        name: what errors call it, if not by its path.

    Raises:
        OrateError: the folder is missing or not writable, the disk is full.
    """
    temporary = temporary_beside(path)
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise output_error(path if name is None else name, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
