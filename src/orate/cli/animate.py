"""``orate animate``: one photo and one clip of speech in, a video out."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orate.cli.mark_options import (
    LABEL_TEXT,
    Certificate,
    Consent,
    Corner,
    LabelCorner,
    LabelFont,
    LabelSeconds,
    LabelText,
    NoCredentials,
    NoMetadata,
    NoWatermark,
    PrivateKey,
    ShowLabel,
    chosen_marks,
    tell_left_out,
)

if TYPE_CHECKING:
    from rich.progress import Task
    from rich.text import Text

Progress = Callable[[int, int], None]  # called with the frames done so far and the frames in all
MAX_SEED = 2**32 - 1
PANEL = "Movement (not with --model paper)"
# What people do who speak to a camera; `orate.animator.Controls` has the same, a test compares them.
NATURAL: dict[str, object] = {
    "head_motion": 1.0,
    "blink_rate": 20.0,
    "mouth_strength": 1.0,
    "brow_strength": 1.0,
    "emotion": "neutral",
    "emotion_strength": 0.7,
    "gaze": "natural",
    "keep_eyes_open": False,
    "start_as_photo": False,
    "end_as_photo": False,
    "body": "rest",
}


class Emotion(StrEnum):
    """Expressions that can lie under the speech."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    FEAR = "fear"
    DISGUST = "disgust"
    SURPRISE = "surprise"


class Gaze(StrEnum):
    """Where the eyes look."""

    NATURAL = "natural"
    VIEWER = "viewer"
    PHOTO = "photo"


class Body(StrEnum):
    """What the shoulders do."""

    REST = "rest"
    FOLLOW = "follow"


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
        typer.Option(metavar="NAME|DIR|HUB_ID", help="default, paper, a folder, or a Hugging Face Hub id."),
    ] = "default",
    face: Annotated[
        int, typer.Option(min=1, help="Which face, when there are several in the photo: 1 is the largest.")
    ] = 1,
    fps: Annotated[
        float, typer.Option(min=1, max=120, help="Frames per second. The bundled models are trained at 25.")
    ] = 25.0,
    head_motion: Annotated[
        float,
        typer.Option(min=0, max=1.5, help="Size of the head's movement; 0 keeps it still.", rich_help_panel=PANEL),
    ] = 1.0,
    blink_rate: Annotated[
        float, typer.Option(min=0, max=60, help="Blinks a minute; 0 for none.", rich_help_panel=PANEL)
    ] = 20.0,
    mouth_strength: Annotated[
        float, typer.Option(min=0, max=2, help="Size of the mouth's movement.", rich_help_panel=PANEL)
    ] = 1.0,
    brow_strength: Annotated[
        float, typer.Option(min=0, max=2, help="Size of the brows' movement.", rich_help_panel=PANEL)
    ] = 1.0,
    emotion: Annotated[
        Emotion, typer.Option(help="Expression that lies under the speech.", rich_help_panel=PANEL)
    ] = Emotion.NEUTRAL,
    emotion_strength: Annotated[
        float, typer.Option(min=0, max=1, help="How strong it is.", rich_help_panel=PANEL)
    ] = 0.7,
    gaze: Annotated[
        Gaze,
        typer.Option(
            help="'natural': at the viewer with small movements; 'viewer': without; 'photo': eyes turn with the head.",
            rich_help_panel=PANEL,
        ),
    ] = Gaze.NATURAL,
    keep_eyes_open: Annotated[
        bool, typer.Option("--keep-eyes-open", help="Neither blink nor narrow the eyes.", rich_help_panel=PANEL)
    ] = False,
    start_as_photo: Annotated[
        bool, typer.Option("--start-as-photo", help="Begin in the photo's own expression.", rich_help_panel=PANEL)
    ] = False,
    end_as_photo: Annotated[
        bool, typer.Option("--end-as-photo", help="Return to the photo's own expression.", rich_help_panel=PANEL)
    ] = False,
    body: Annotated[
        Body, typer.Option(help="Shoulders stay ('rest') or follow the head a little.", rich_help_panel=PANEL)
    ] = Body.REST,
    consent: Consent = None,
    label: ShowLabel = False,
    label_text: LabelText = LABEL_TEXT,
    label_corner: LabelCorner = Corner.TOP_LEFT,
    label_seconds: LabelSeconds = None,
    label_font: LabelFont = None,
    certificate: Certificate = None,
    private_key: PrivateKey = None,
    no_metadata: NoMetadata = False,
    no_credentials: NoCredentials = False,
    no_watermark: NoWatermark = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar; print nothing but errors.")] = False,
) -> None:
    """Make the face in PHOTO say AUDIO.

    The video has the size of the photo and the length of the sound.
    The head moves, blinks and speaks; the rest of the photo stays as it is.
    """
    asked = {
        "head_motion": head_motion,
        "blink_rate": blink_rate,
        "mouth_strength": mouth_strength,
        "brow_strength": brow_strength,
        "emotion": emotion.value,
        "emotion_strength": emotion_strength,
        "gaze": gaze.value,
        "keep_eyes_open": keep_eyes_open,
        "start_as_photo": start_as_photo,
        "end_as_photo": end_as_photo,
        "body": body.value,
    }
    controls = {name: value for name, value in asked.items() if value != NATURAL[name]}
    with _progress_bar(enabled=not quiet and sys.stderr.isatty()) as progress:
        from orate.animator import Animator

        off = {"metadata": no_metadata, "credentials": no_credentials, "watermark": no_watermark}
        marks = chosen_marks(
            consent=consent,
            label=label,
            label_text=label_text,
            label_corner=label_corner,
            label_seconds=label_seconds,
            label_font=label_font,
            certificate=certificate,
            private_key=private_key,
            left_out=[name for name, wanted in off.items() if wanted],
        )
        animator = Animator.from_pretrained(model, device=device.value)
        more: dict[str, Any] = {"progress": progress, "marks": marks, **controls}
        animator.animate(photo, audio, output, seed=seed, face=face, crop=crop, fps=fps, **more)
    if not quiet:
        typer.echo(output)
        tell_left_out(marks)


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
