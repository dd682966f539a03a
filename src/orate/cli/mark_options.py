"""Options of the commands that write videos: which marks a file gets, and what they say."""

from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orate.provenance.marks import Marks

PANEL = "Marks that say what the video is ('orate verify' finds them)"
LABEL_TEXT = "AI-generated"


class Corner(StrEnum):
    """Where the visible label stands; as `orate.provenance.label.Corner`, which is not loaded for ``--help``."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


Consent = Annotated[
    str | None,
    typer.Option(
        metavar="WHO, BASIS",
        show_default=False,
        help="Who agreed to this use of their face and voice, and how; written into the file.",
        rich_help_panel=PANEL,
    ),
]
ShowLabel = Annotated[bool, typer.Option("--label", help="Show a visible label in a corner.", rich_help_panel=PANEL)]
LabelText = Annotated[str, typer.Option(help="What it says.", rich_help_panel=PANEL)]
LabelCorner = Annotated[Corner, typer.Option(help="Where it stands.", rich_help_panel=PANEL)]
LabelSeconds = Annotated[
    float | None,
    typer.Option(
        min=0, show_default=False, help="How long, from the beginning; always if not given.", rich_help_panel=PANEL
    ),
]
LabelFont = Annotated[
    Path | None,
    typer.Option(metavar="FILE", show_default=False, help="Font, for other than Latin letters.", rich_help_panel=PANEL),
]
Certificate = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="ORATE_CERTIFICATE",
        show_default=False,
        help="Certificates (PEM) to sign with; else one that is made for this installation.",
        rich_help_panel=PANEL,
    ),
]
PrivateKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="ORATE_PRIVATE_KEY",
        show_default=False,
        help="The certificate's private key (PEM).",
        rich_help_panel=PANEL,
    ),
]
NoMetadata = Annotated[bool, typer.Option("--no-metadata", help="For research: no metadata.", rich_help_panel=PANEL)]
NoCredentials = Annotated[
    bool, typer.Option("--no-credentials", help="For research: no signed manifest.", rich_help_panel=PANEL)
]
NoWatermark = Annotated[bool, typer.Option("--no-watermark", help="For research: no watermark.", rich_help_panel=PANEL)]


def chosen_marks(
    *,
    consent: str | None,
    label: bool,
    label_text: str,
    label_corner: Corner,
    label_seconds: float | None,
    label_font: Path | None,
    certificate: Path | None,
    private_key: Path | None,
    left_out: Collection[str],
) -> "Marks":
    """The marks that the options ask for, and the time, which files from the command line state.

    Whoever says how the label looks wants one.

    Raises:
        OrateError: ``SOURCE_DATE_EPOCH`` is set to what is no time.
    """
    from orate.provenance.label import Corner as PlaceOfLabel
    from orate.provenance.label import LabelStyle
    from orate.provenance.marks import Marks
    from orate.provenance.statement import clock

    style = LabelStyle(label_text, PlaceOfLabel(label_corner.value), label_seconds, label_font)
    return Marks(
        metadata="metadata" not in left_out,
        credentials="credentials" not in left_out,
        watermark="watermark" not in left_out,
        label=style if label or style != LabelStyle() else None,
        consent=consent,
        time=clock(),
        certificate=certificate,
        private_key=private_key,
    )


def tell_left_out(marks: "Marks") -> None:
    """Say on standard error which marks a file does not have."""
    if marks.left_out:
        typer.echo(f"Note: made without {', '.join(marks.left_out)}, for research.", err=True)
