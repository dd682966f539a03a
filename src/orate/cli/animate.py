"""``orate animate``: one photo and one clip of speech in, a video out."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Task
    from rich.text import Text

Progress = Callable[[int, int], None]  # called with the frames done so far and the frames in all
MAX_SEED = 2**32 - 1


class Device(StrEnum):
    """Where the networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


def animate(
    photo: Annotated[
        Path,
        typer.Argument(
            metavar="PHOTO", show_default=False, help="A picture with a face: JPEG, PNG, WebP, TIFF and the like."
        ),
    ],
    audio: Annotated[
        Path,
        typer.Argument(
            metavar="AUDIO", show_default=False, help="Speech: wav, mp3, flac, ogg, opus, m4a, or a video with sound."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="OUT.mp4", show_default=False, help="The video to write (H.264, AAC)."),
    ],
    crop: Annotated[
        bool, typer.Option("--crop", help="Write only the aligned face as the model sees it, not the whole photo.")
    ] = False,
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=MAX_SEED, help="Chooses blinks and small movements. Same seed, inputs and device: same video."
        ),
    ] = 0,
    device: Annotated[
        Device, typer.Option(help="Where the networks run. 'auto' takes a GPU if there is one.")
    ] = Device.AUTO,
    model: Annotated[
        str,
        typer.Option(metavar="NAME|DIR|HUB_ID", help="Weights: a bundled name, a folder, or a Hugging Face Hub id."),
    ] = "paper-small",
    face: Annotated[
        int, typer.Option(min=1, help="Which face, when there are several in the photo: 1 is the largest.")
    ] = 1,
    fps: Annotated[
        float, typer.Option(min=1, max=120, help="Frames per second. The bundled models are trained at 25.")
    ] = 25.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar; print nothing but errors.")] = False,
) -> None:
    """Make the face in PHOTO say AUDIO.

    The video has the size of the photo and the length of the sound.
    Only the face moves; the rest of the photo stays as it is.
    """
    with _progress_bar(enabled=not quiet and sys.stderr.isatty()) as progress:
        from orate.animator import Animator

        animator = Animator.from_pretrained(model, device=device.value)
        animator.animate(photo, audio, output, seed=seed, face=face, crop=crop, fps=fps, progress=progress)
    if not quiet:
        typer.echo(output)


@contextmanager
def _progress_bar(*, enabled: bool) -> Iterator[Progress | None]:
    """Yield the function that moves the bar, or None where nobody would see one."""
    if not enabled:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class RateColumn(ProgressColumn):
        """Frames per second, over the last seconds."""

        def render(self, task: "Task") -> "Text":
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.1f} frames/s", style="progress.data.speed")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Loading the model", total=None)
        yield lambda done, total: bar.update(task, description="Frames", completed=done, total=total)
