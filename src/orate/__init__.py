"""orate: one photo of a face and one clip of speech in, a video of that face saying it out."""

from orate.errors import OrateError

__version__ = "0.1.0"

__all__ = ["OrateError", "__version__"]
