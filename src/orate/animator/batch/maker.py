"""What makes the videos of a process: models are loaded once, photos that follow each other are prepared once."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orate.animator.batch.columns import CONTROLS, DEFAULTS
from orate.animator.batch.rows import Job
from orate.errors import OrateError

if TYPE_CHECKING:
    from orate.animator import Animator, Source
    from orate.provenance.marks import Marks

MODELS_KEPT = 2
PHOTOS_KEPT = 4  # some 50 MB each at a photo of a megapixel
THREADS_VARIABLE = "OMP_NUM_THREADS"

Item = TypeVar("Item")


class AnimatorMaker:
    """Makes videos as ``orate animate`` does."""

    def __init__(self) -> None:
        self._animators: OrderedDict[Any, Animator] = OrderedDict()
        self._sources: OrderedDict[Any, Source] = OrderedDict()

    def __call__(self, job: Job, output: Path, progress: Callable[[int, int], None]) -> str:
        """See `orate.animator.batch.worker.Maker`."""
        from orate.animator import Animator

        options = {**DEFAULTS, **job.options}
        marks = marks_of(options)
        model, device = str(options["model"]), str(options["device"])
        animator = _kept(
            self._animators,
            (model, device),
            MODELS_KEPT,
            lambda: Animator.from_pretrained(model, device=device),
        )
        face = int(options["face"] or 0)
        try:
            state = job.photo.stat()
        except (OSError, ValueError):
            animator.prepare(job.photo, face)  # raises with the sentence
            raise
        source = _kept(
            self._sources,
            (model, device, job.photo, state.st_size, state.st_mtime_ns, face),
            PHOTOS_KEPT,
            lambda: animator.prepare(job.photo, face),
        )
        # Options at their defaults are not stated in the file: so it is the one that `orate animate` writes.
        controls: dict[str, Any] = {name: value for name, value in job.options.items() if name in CONTROLS}
        animator.animate(
            source,
            job.audio,
            output,
            seed=int(options["seed"] or 0),
            crop=bool(options["crop"]),
            fps=float(options["fps"] or 0),
            progress=progress,
            marks=marks,
            one_thread=True,  # cores are for other rows
            **controls,
        )
        return content_id_of(output)


def load_maker() -> AnimatorMaker:
    """What makes videos in a process of a batch, with the threads that the process may use."""
    import cv2
    import torch

    threads = int(os.environ.get(THREADS_VARIABLE) or 1)
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    return AnimatorMaker()


def marks_of(options: dict[str, Any]) -> Marks:
    """The marks that a row asks for. The time in them is when this process begins with the row.

    Raises:
        OrateError: no such corner; ``SOURCE_DATE_EPOCH`` is no time.
    """
    from orate.provenance.label import Corner, LabelStyle
    from orate.provenance.marks import Marks
    from orate.provenance.statement import clock

    corner = options["label_corner"]
    if corner not in list(Corner):
        raise OrateError(f"label_corner must be one of {', '.join(Corner)}, not {corner!r}.")
    style = LabelStyle(options["label_text"], Corner(corner), options["label_seconds"], options["label_font"])
    return Marks(
        metadata=not options["no_metadata"],
        credentials=not options["no_credentials"],
        watermark=not options["no_watermark"],
        label=style if options["label"] or style != LabelStyle() else None,  # who says how it looks wants one
        consent=options["consent"],
        time=clock(),
        certificate=options["certificate"],
        private_key=options["private_key"],
    )


def content_id_of(video: Path) -> str:
    """What a file's metadata or manifest gives as its content id, empty where neither does."""
    from orate.media.video import video_info
    from orate.provenance.manifest_reader import read_manifest
    from orate.provenance.statement import stated_id

    if told := video_info(video).metadata.get("content_id"):
        return told
    found = stated_id(read_manifest(video).said)
    return found.hex() if found else ""


def _kept(items: OrderedDict[Any, Item], key: Any, count: int, make: Callable[[], Item]) -> Item:
    """The item of a key, made where it is not among the last `count` ones used."""
    if key not in items:
        while len(items) >= count:
            items.popitem(last=False)  # before the next one is made: both may be large
        items[key] = make()
    items.move_to_end(key)
    return items[key]
