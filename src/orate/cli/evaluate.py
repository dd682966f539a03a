"""`orate evaluate`: a model's figures on clips, photos and people that it was not trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

if TYPE_CHECKING:
    from orate.evaluation.identity import FaceEmbedder

MIN_WIDTH = 132  # of tables, where the output is no terminal
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}


def evaluate(
    model: Annotated[str, typer.Argument(help="Weights: a bundled name, a folder, or a Hugging Face Hub id.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder from `orate prepare`; may be given several times.")
    ] = None,
    photos: Annotated[
        list[Path] | None,
        typer.Option("--photos", help="A picture, or a folder of pictures, to animate; may be given several times."),
    ] = None,
    speech: Annotated[
        list[Path] | None, typer.Option("--speech", help="What the photos say; may be given several times.")
    ] = None,
    motion: Annotated[
        Path | None, typer.Option("--motion", help="Folder of motion tracks, one for each person.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write all figures to this JSON file.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many clips, spread over the corpus.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what the photos do by chance.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Measure a model: on held-out clips (--data), on photos that speak (--photos, --speech), on tracks (--motion).

    A clip's first frame and its sound go in, the rest is compared, beside a ceiling (the real clip) and a floor (the
    still first frame). Photos have no truth: their videos are measured by themselves.
    """
    from orate.errors import OrateError
    from orate.media.files import whole_file

    if output is not None and not output.parent.is_dir():
        raise OrateError(f"The folder {output.parent} does not exist: make it first.")
    if not (data or photos or motion):
        raise OrateError("There is nothing to measure on: give --data, --photos with --speech, or --motion.")
    if bool(photos) != bool(speech):
        raise OrateError("Photos need something to say, and speech needs a photo: give both --photos and --speech.")
    report: dict[str, Any] = {"model": model}
    embedder = _embedder() if data or photos else None
    if data:
        report |= _on_clips(model, data, limit, device, quiet, embedder)
    if photos and speech:
        report["photos"] = _on_photos(model, photos, speech, seed, device, quiet, embedder)
    if motion:
        report["motion"] = _on_motion(model, motion)
    if output is not None:
        with whole_file(output) as partial:
            partial.write_text(json.dumps(report, indent=1, allow_nan=False), encoding="utf-8")


def _embedder() -> FaceEmbedder | None:
    """The network of the face embeddings; without it the other figures are still worth having."""
    from orate.errors import OrateError
    from orate.evaluation.identity import FaceEmbedder

    try:
        return FaceEmbedder()
    except OrateError as error:
        typer.echo(f"Not measured: {error}", err=True)
        return None


def _on_clips(
    model: str, data: list[Path], limit: int | None, device: str, quiet: bool, embedder: FaceEmbedder | None
) -> dict[str, Any]:
    from orate.corpora.dataset import ClipDataset
    from orate.errors import OrateError
    from orate.evaluation.clip import FIGURES
    from orate.evaluation.generators import load_clip_generator
    from orate.evaluation.report import ROWS, as_json, count, evaluate_clips, summarise
    from orate.training.validation import spread

    generator = load_clip_generator(model, device)
    clips = ClipDataset(data, "validation", generator.audio_rate)
    if not len(clips):
        raise OrateError(f"There are no validation clips in {', '.join(str(folder) for folder in data)}.")
    indices = spread(len(clips), limit or len(clips))
    figures = list(
        track(
            evaluate_clips(generator, clips, indices, embedder),
            "Clips",
            total=len(indices),
            console=Console(stderr=True),
            disable=quiet,
        )
    )
    for group, rows in summarise(figures).items():
        table = Table("figure", *ROWS, "", title=f"{model}: {group}, means over {count(figures, group)} clips")
        for name, meaning in FIGURES.items():
            table.add_row(name, *(f"{rows[row][name]:.4g}" for row in ROWS), meaning)
        _print(table)
    for row, meaning in ROWS.items():
        typer.echo(f"{row}: {meaning}")
    return as_json(figures)


def _on_photos(
    model: str,
    photos: list[Path],
    speech: list[Path],
    seed: int,
    device: str,
    quiet: bool,
    embedder: FaceEmbedder | None,
) -> dict[str, Any]:
    from orate.animator import Animator
    from orate.evaluation.photos import PHOTO_FIGURES, PhotoMeter, mean_photo_figures
    from orate.evaluation.report import finite
    from orate.media.audio import read_audio, stream_audio
    from orate.media.image import read_image

    pairs = [(photo, sound) for photo in _pictures(photos) for sound in speech]
    animator = Animator.from_pretrained(model, device=device)
    rate, fps = animator.config.audio_rate, animator.config.fps
    meter = PhotoMeter(embedder=embedder)
    videos: list[dict[str, Any]] = []
    for photo, sound in track(pairs, "Photos", console=Console(stderr=True), disable=quiet):
        picture, audio = read_image(photo), read_audio(sound, rate)
        frames = animator.stream(picture, stream_audio(sound, rate), rate=rate, seed=seed)  # in blocks: memory is flat
        videos.append({"photo": photo.name, "speech": sound.name, **meter(picture, frames, audio, rate, fps)})
    mean = mean_photo_figures([{name: video[name] for name in PHOTO_FIGURES} for video in videos])
    headings = [name.replace("_", "\n") for name in PHOTO_FIGURES]
    table = Table("photo", "speech", *headings, title=f"{model}: photos")
    for video in videos:
        table.add_row(str(video["photo"]), str(video["speech"]), *(f"{video[name]:.3g}" for name in PHOTO_FIGURES))
    table.add_section()
    table.add_row("mean", "", *(f"{mean[name]:.3g}" for name in PHOTO_FIGURES))
    _print(table)
    for name, meaning in PHOTO_FIGURES.items():
        typer.echo(f"{name}: {meaning}")
    return {"figures": PHOTO_FIGURES, "mean": finite(mean), "videos": [_known(video) for video in videos]}


def _on_motion(model: str, folder: Path) -> dict[str, Any]:
    from orate.evaluation.motion import compare_movement, evaluate_motion
    from orate.evaluation.report import finite, mean_figures

    people = evaluate_motion(model, folder)
    mean = mean_figures([person.figures for person in people])
    table = Table("person", "tracks", *mean, title=f"{model}: held-out people")
    for person in people:
        table.add_row(person.person, str(person.clips), *(f"{person.figures[name]:.3f}" for name in mean))
    table.add_section()
    table.add_row("mean", "", *(f"{value:.3f}" for value in mean.values()))
    _print(table)
    named = [{"person": person.person, "tracks": person.clips, **_known(person.figures)} for person in people]
    seconds, statistics = compare_movement(model, folder)
    rows = {name: values.as_figures() for name, values in statistics.items()}
    moving = Table("movement", *rows, title=f"{model}: head, brows and lids over {seconds:.0f} s of held-out people")
    for name in rows["real"]:
        moving.add_row(name, *(f"{row[name]:.3g}" for row in rows.values()))
    _print(moving)
    movement = {"seconds": seconds, **{name: _known(row) for name, row in rows.items()}}
    return {"mean": finite(mean), "people": named, "movement": movement}


def _pictures(given: list[Path]) -> list[Path]:
    """The pictures themselves, and those in folders, in sorted order."""
    from orate.errors import OrateError

    found = []
    for path in given:
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES) if path.is_dir() else [path]
        found += inside
    if not found:
        raise OrateError(f"There are no pictures in {', '.join(map(str, given))}.")
    return found


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """With None, as JSON wants it, for what is not known."""
    from orate.evaluation.report import finite

    return {name: finite({name: value})[name] if isinstance(value, float) else value for name, value in values.items()}


def _print(table: Table) -> None:
    Console(width=max(MIN_WIDTH, Console().width)).print(table)
