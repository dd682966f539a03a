"""Columns of a manifest: each option of ``orate animate``, its kind, and what it is where a row does not say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from orate.animator.controls import Controls
from orate.errors import OrateError

INPUTS = ("photo", "audio")
OUTPUT = "output"

Value = str | int | float | bool | None

# As in `orate.cli.animate`, which a test compares: the kind follows from the default, but for the empty ones below.
DEFAULTS: dict[str, Value] = {
    "seed": 0,
    "face": 1,
    "fps": 25.0,
    "crop": False,
    "model": "default",
    "device": "auto",
    **asdict(Controls()),
    "consent": None,
    "label": False,
    "label_text": "AI-generated",
    "label_corner": "top-left",
    "label_seconds": None,
    "label_font": None,
    "certificate": None,
    "private_key": None,
    "no_metadata": False,
    "no_credentials": False,
    "no_watermark": False,
}
NUMBERS_OR_NONE = {"label_seconds"}
FILES = ("label_font", "certificate", "private_key")
CONTROLS = tuple(asdict(Controls()))
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse(name: str, given: Any) -> Value:
    """The value of a column; ranges are for the animator to check.

    Args:
        name: of the column, of `DEFAULTS`.
        given: text, or a value of JSON.

    Raises:
        OrateError: it is of another kind.
    """
    default = DEFAULTS[name]
    if isinstance(default, bool):
        return _converted(name, given, _flag, "true or false")
    if isinstance(default, int):
        return _converted(name, given, _whole, "a whole number")
    if isinstance(default, float) or name in NUMBERS_OR_NONE:
        return _converted(name, given, _number, "a number")
    return _converted(name, given, _text, "text")


def _converted(name: str, given: Any, convert: Callable[[Any], Value], wanted: str) -> Value:
    try:
        return convert(given)
    except (ValueError, KeyError, OverflowError) as error:
        raise OrateError(f"{name} must be {wanted}, not {given!r}.") from error


def _flag(given: Any) -> bool:
    return given if isinstance(given, bool) else WORDS[str(given).strip().lower()]


def _whole(given: Any) -> int:
    if isinstance(given, bool | list | dict) or (isinstance(given, float) and not given.is_integer()):
        raise ValueError
    return int(given)


def _number(given: Any) -> float:
    if isinstance(given, bool | list | dict):
        raise ValueError
    number = float(given)
    if not math.isfinite(number):
        raise ValueError
    return number


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError
    return given
