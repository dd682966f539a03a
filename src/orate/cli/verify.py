"""``orate verify``: the marks of orate in a file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orate.provenance.verify import Layer, Verification

NAMES = {"metadata": "Metadata", "credentials": "Signed manifest", "watermark": "Watermark"}
SHOWN = ("content_id", "model", "version", "seed", "time", "consent", "settings", "photo_sha256", "sound_sha256")

LINE_CHARACTERS_MAX = 2200  # a consent may have 2000


def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="A video, or a picture such as a screenshot.")
    ],
    trust: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default=False, help="Root certificates (PEM) whom you trust to say who signed."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for programs.")] = False,
) -> None:
    """Say whether FILE was made by orate, by its metadata, its signed manifest and its watermark.

    Nothing leaves the computer.
    Exit status: 0 made by orate; 3 no mark found, which proves nothing; 4 marks that prove nothing or do not fit;
    1 the file cannot be read; 2 wrong usage.
    """
    from orate.provenance.verify import verify as look_for_marks

    found = look_for_marks(file, trust)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(map(_printable, _lines(found))))
    raise typer.Exit(int(found.exit_code))


def _lines(found: "Verification") -> list[str]:
    lines = [found.summary, ""]
    for name, title in NAMES.items():
        layer: Layer = getattr(found, name)
        content_id = f", content id {layer.content_id}" if layer.content_id else ""
        lines.append(f"{title:<16} {layer.state:<7} {layer.detail}{content_id}")
    states = found.credentials.states or found.metadata.states
    if states:
        manifest = "The manifest states:" if found.intact else "The manifest, which does not fit the file, states:"
        lines += ["", manifest if found.credentials.states else "The metadata, which anybody can write, state:"]
        lines += [f"  {name:<14} {_value(states[name])}" for name in SHOWN if states.get(name) not in (None, "", {})]
    return lines + ([""] if found.notes else []) + [f"Note: {note}" for note in found.notes]


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value)


def _printable(line: str) -> str:
    """What a stranger's file says must not steer the terminal."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    return shown if len(shown) <= LINE_CHARACTERS_MAX else f"{shown[:LINE_CHARACTERS_MAX]}..."
