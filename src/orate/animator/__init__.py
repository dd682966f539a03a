"""The public door: one photo and one clip of speech in, a talking video out.

What is loaded lazily here brings the networks along; a batch's first process does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orate.animator.controls import Controls
    from orate.animator.door import DEFAULT_MODEL, Animator
    from orate.animator.resampling import resampled
    from orate.animator.source import Source

__all__ = ["DEFAULT_MODEL", "Animator", "Controls", "Source", "resampled"]

LAZY = {
    "DEFAULT_MODEL": "orate.animator.door",
    "Animator": "orate.animator.door",
    "Controls": "orate.animator.controls",
    "Source": "orate.animator.source",
    "resampled": "orate.animator.resampling",
}


def __getattr__(name: str) -> Any:
    """Load a part of the door when it is first asked for."""
    if name not in LAZY:
        raise AttributeError(f"module 'orate.animator' has no attribute '{name}'")
    return getattr(import_module(LAZY[name]), name)
