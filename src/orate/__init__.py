"""orate: one photo of a face and one clip of speech in, a video of that face saying it out."""

import sys
from typing import TYPE_CHECKING, Any

from orate.errors import OrateError

if TYPE_CHECKING:
    from orate.animator import Animator

__version__ = "0.1.0"

__all__ = ["Animator", "OrateError", "__version__"]

# OpenVINO reports its use to its maker when this module is there; without it, it falls back to a stub of its own.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


def __getattr__(name: str) -> Any:
    """Load the animator, and with it the networks, only when it is asked for."""
    if name == "Animator":
        from orate.animator import Animator

        return Animator
    raise AttributeError(f"module 'orate' has no attribute '{name}'")
