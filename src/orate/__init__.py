"""orate: one photo of a face and one clip of speech in, a video of that face saying it out."""

import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from orate.errors import OrateError

if TYPE_CHECKING:
    from orate.animator import Animator
    from orate.provenance.label import LabelStyle
    from orate.provenance.marks import Marks
    from orate.provenance.verify import verify

__version__ = "0.1.0"

__all__ = ["Animator", "LabelStyle", "Marks", "OrateError", "__version__", "openvino_core", "verify"]

LAZY = {
    "Animator": "orate.animator",
    "LabelStyle": "orate.provenance.label",
    "Marks": "orate.provenance.marks",
    "verify": "orate.provenance.verify",
}

# OpenVINO reports its use to its maker when this module is there; without it, it falls back to a stub of its own.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


@cache
def openvino_core() -> Any:
    """The one `openvino.Core` of the process, made when it is first asked for.

    Never make another. A core gives its thread a stack for signals when it comes, and puts the former one back when it
    goes: two that do not go in the reverse order leave a stack that is no longer there, and the next signal that Python
    handles (Ctrl-C, SIGTERM) ends the process with a segmentation fault.
    """
    import openvino

    return openvino.Core()


def __getattr__(name: str) -> Any:
    """Load the animator, and with it the networks, only when it is asked for; so too what has to do with marks."""
    if name not in LAZY:
        raise AttributeError(f"module 'orate' has no attribute '{name}'")
    return getattr(import_module(LAZY[name]), name)
