"""The public door: one photo and one clip of speech in, a talking video out."""

from orate.animator.controls import Controls
from orate.animator.door import DEFAULT_MODEL, Animator
from orate.animator.resampling import resampled
from orate.animator.source import Source

__all__ = ["DEFAULT_MODEL", "Animator", "Controls", "Source", "resampled"]
