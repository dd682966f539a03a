"""`orate evaluate`: a model's figures on clips, photos and people that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

if TYPE_CHECKING:
    from orate.evaluation.identity import FaceEmbedder
    from orate.evaluation.instruments import Instruments
    from orate.evaluation.report_folder import KeptClip, ReportFolder

JSON_SUFFIX = ".json"
MIN_WIDTH = 132  # of tables, where the output is no terminal
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}


def evaluate(
    model: Annotated[str, typer.Argument(help="Weights: a bundled name, a folder, or a Hugging Face Hub id.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder from `orate prepare`; may be given several times.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="Clips of --data to measure on: validation, test, unseen, train or all.")
    ] = "validation",
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
        Path | None,
        typer.Option("--output", "-o", help="Folder of a report to write, or to go on with; or a .json file."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many clips, spread over the corpus.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what the photos do by chance.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Measure a model: on clips (--data, --split), on photos that speak (--photos, --speech), on tracks (--motion).

    A clip's first frame and its sound go in, the rest is compared, beside a ceiling (the real clip) and a floor (the
    still first frame). Photos have no truth: their videos are measured by themselves. With a folder for --output, a
    report is written there: report.json, report.md in the paper's form, and index.html with videos, the worst clips
    first; the same command again goes on where it stopped.
    """
    from orate.errors import OrateError
    from orate.evaluation.resumable import write_json

    if not (data or photos or motion):
        raise OrateError("There is nothing to measure on: give --data, --photos with --speech, or --motion.")
    if bool(photos) != bool(speech):
        raise OrateError("Photos need something to say, and speech needs a photo: give both --photos and --speech.")
    if output is not None and not output.parent.is_dir():
        raise OrateError(f"The folder {output.parent} does not exist: make it first.")
    place = None if output is None or output.suffix.lower() == JSON_SUFFIX else output
    name = Path(model).name if Path(model).is_dir() else model
    report: dict[str, Any] = {"model": model}
    folder: ReportFolder | None = None
    kept: list[KeptClip] = []
    if data:
        folder, kept, instruments = _on_clips(model, data, split, limit, device, quiet, place)
        from orate.evaluation.report import as_json

        report |= {"split": split, **as_json([clip.figures for clip in kept])}
        report["not_measured"] = list(instruments.missing)
    elif place is not None:
        folder = _folder(model, [], split, None, [], place)
    if photos and speech:
        report["photos"] = _on_photos(model, photos, speech, seed, device, quiet)
    if motion:
        report["motion"] = _on_motion(model, motion)
    if folder is not None:
        from orate.evaluation.report_files import write_report

        write_report(folder.folder, _title(name, data or [], split, len(kept)), report, kept)
        typer.echo(folder.folder / "index.html")
    elif output is not None:
        write_json(output, report)


def _on_clips(
    model: str, data: list[Path], split: str, limit: int | None, device: str, quiet: bool, output: Path | None
) -> tuple[ReportFolder | None, list[KeptClip], Instruments]:
    """The report's folder, where one is wanted, the measured clips, and what they were measured with."""
    from orate.corpora.dataset import ClipDataset
    from orate.errors import OrateError
    from orate.evaluation.generators import load_clip_generator
    from orate.evaluation.report import ROWS, ClipEvaluation
    from orate.evaluation.report_folder import measured_clips
    from orate.training.validation import spread

    generator = load_clip_generator(model, device)
    clips = ClipDataset(data, split, generator.audio_rate)
    if not len(clips):
        raise OrateError(f"There are no {split} clips in {', '.join(str(folder) for folder in data)}.")
    instruments = _instruments()
    folder = None if output is None else _folder(model, data, split, limit, instruments.names, output)
    indices = spread(len(clips), limit or len(clips))
    measured = measured_clips(ClipEvaluation(generator, clips, instruments), indices, folder)
    kept = list(track(measured, "Clips", total=len(indices), console=Console(stderr=True), disable=quiet))
    _print_clips(model, kept)
    for row, meaning in ROWS.items():
        typer.echo(f"{row}: {meaning}")
    for sentence in instruments.missing:
        typer.echo(f"Not measured: {sentence}", err=True)
    return folder, kept, instruments


def _print_clips(model: str, kept: list[KeptClip]) -> None:
    from orate.evaluation.report import ALL_FIGURES, ROWS, count, summarise

    figures = [clip.figures for clip in kept]
    for group, rows in summarise(figures).items():
        table = Table("figure", *ROWS, "", title=f"{model}: {group}, over {count(figures, group)} clips")
        for name, meaning in ALL_FIGURES.items():
            table.add_row(name, *(f"{rows[row][name]:.4g}" for row in ROWS), meaning)
        _print(table)


def _instruments() -> Instruments:
    """The networks that measure, as far as they are there."""
    from orate.evaluation.instruments import load_instruments

    return load_instruments()


def _folder(
    model: str, data: list[Path], split: str, limit: int | None, instruments: list[str], output: Path
) -> ReportFolder:
    """The report's folder, new or to go on with."""
    from orate.corpora.clip import VALIDATION
    from orate.evaluation.report import ALL_FIGURES
    from orate.evaluation.report_folder import ReportFolder
    from orate.evaluation.resumable import data_identity, model_identity

    told = {
        "model": model_identity(model),
        "data": data_identity(data),
        "--limit": limit,
        "set of figures": sorted(ALL_FIGURES),
        "set of measuring networks": instruments,
        # Reports begun before there was a choice have none in their file.
        **({} if split == VALIDATION else {"--split": split}),
    }
    return ReportFolder(output, told)


def _title(name: str, data: list[Path], split: str, clips: int) -> str:
    on = f" on {clips} {split} clips of {', '.join(folder.name for folder in data)}" if data else ""
    return f"{name}{on}"


def _embedder() -> FaceEmbedder | None:
    """The network of the face embeddings; without it the other figures are still worth having."""
    from orate.errors import OrateError
    from orate.evaluation.identity import FaceEmbedder

    try:
        return FaceEmbedder()
    except OrateError as error:
        typer.echo(f"Not measured: {error}", err=True)
        return None


def _on_photos(
    model: str,
    photos: list[Path],
    speech: list[Path],
    seed: int,
    device: str,
    quiet: bool,
) -> dict[str, Any]:
    from orate.animator import Animator
    from orate.evaluation.photos import PHOTO_FIGURES, PhotoMeter, mean_photo_figures
    from orate.evaluation.report import finite
    from orate.media.audio import read_audio, stream_audio
    from orate.media.image import read_image

    pairs = [(photo, sound) for photo in _pictures(photos) for sound in speech]
    animator = Animator.from_pretrained(model, device=device)
    rate, fps = animator.config.audio_rate, animator.config.fps
    meter = PhotoMeter(embedder=_embedder())
    videos: list[dict[str, Any]] = []
    for photo, sound in track(pairs, "Photos", console=Console(stderr=True), disable=quiet):
        picture, audio = read_image(photo), read_audio(sound, rate)
        source = animator.prepare(picture)
        frames = animator.stream(source, stream_audio(sound, rate), rate=rate, seed=seed)  # in blocks: memory is flat
        figures = meter(picture, frames, audio, rate, fps, animator.moving(source))
        videos.append({"photo": photo.name, "speech": sound.name, **figures})
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
