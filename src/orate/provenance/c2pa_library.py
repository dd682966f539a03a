"""The library of the C2PA, loaded when it is needed and kept away from the network."""

from __future__ import annotations

from typing import Any

from orate.errors import OrateError

GENERATOR = "orate"
STATEMENT_LABEL = "orate.statement"
NEAR_BYTES = 1 << 16  # manifests stand this near to the beginning of a file
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".avi": "video/avi",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".heic": "image/heic",
}
OFFLINE: dict[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False, "verify_after_sign": False},
    "builder": {
        "thumbnail": {"enabled": False},  # a face more than needed
        # All is said by orate itself, not gathered from others.
        "created_assertion_labels": [
            *("c2pa.actions", "c2pa.actions.v2", "c2pa.ingredient", "c2pa.ingredient.v3"),
            STATEMENT_LABEL,
        ],
    },
}


def offline_context(roots: str | None = None) -> Any:
    """Settings for one use of the library: a `c2pa.Context`.

    Args:
        roots: certificates (PEM) of those who vouch for signers; None is not to ask who signed.
    """
    settings = OFFLINE
    if roots is not None:
        settings = {**OFFLINE, "trust": {"user_anchors": roots}, "verify": {**OFFLINE["verify"], "verify_trust": True}}
    return load_library().Context.from_dict(settings)


def load_library() -> Any:
    """The module `c2pa`.

    Raises:
        OrateError: it is not there.
    """
    try:
        import c2pa  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:  # the wheel's own library may be missing for this kind of machine
        raise OrateError(
            "Content credentials need the package c2pa-python, which is not there: pip install c2pa-python, "
            "or leave them out with --no-credentials."
        ) from error
    return c2pa
