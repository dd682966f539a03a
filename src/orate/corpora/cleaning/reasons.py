"""Why a clip is left out."""

from __future__ import annotations

from enum import StrEnum


class DropReason(StrEnum):
    """Why a clip is left out, in the report's words."""

    UNREADABLE = "unreadable"
    UNREADABLE_SOUND = "unreadable sound"
    NO_SOUND = "no sound"
    TOO_SHORT = "too short"
    DURATIONS_DIFFER = "sound and picture differ in length"
    NO_FACE = "no face"
    FACE_LOST = "face lost"
    SEVERAL_FACES = "several faces"
    TOO_SMALL = "face too small"
    OUTSIDE = "face leaves the picture"
    TOO_TURNED = "face too turned"
    CUT = "cut"
    JUMPS = "picture jumps"
    SILENCE = "silence"
    OFF_SCREEN = "off-screen voice"
    OFFSET = "offset not constant"
    DUPLICATE = "duplicate"
    CRASHED = "crashed the process"


class Dropped(Exception):  # noqa: N818 - an outcome, not an error
    """The clip does not qualify."""

    def __init__(self, reason: DropReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
