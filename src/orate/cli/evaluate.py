"""`orate evaluate`: a model's figures on clips that it was not trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table


def evaluate(
    model: Annotated[str, typer.Argument(help="Weights: a bundled name, a folder, or a Hugging Face Hub id.")],
    data: Annotated[
        list[Path], typer.Option("--data", help="Folder from `orate prepare`; may be given several times.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write all figures to this JSON file.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many clips, spread over the corpus.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Measure a model on held-out clips: each clip's first frame and its sound in, the rest compared."""
    from orate.corpora.dataset import ClipDataset
    from orate.errors import OrateError
    from orate.evaluation.clip import FIGURES
    from orate.evaluation.report import as_json, evaluate_clips, summarise
    from orate.media.files import whole_file
    from orate.models.checkpoint import load_model
    from orate.training.validation import spread

    if output is not None and not output.parent.is_dir():
        raise OrateError(f"The folder {output.parent} does not exist: make it first.")
    generator = load_model(model)
    clips = ClipDataset(data, "validation", generator.config.audio_rate)
    if not len(clips):
        raise OrateError(f"There are no validation clips in {', '.join(str(folder) for folder in data)}.")
    indices = spread(len(clips), limit or len(clips))
    figures = list(
        track(
            evaluate_clips(generator, clips, indices, device),
            "Clips",
            total=len(indices),
            console=Console(stderr=True),
            disable=quiet,
        )
    )
    table = Table("group", "clips", *FIGURES, title=f"{model}: means over held-out clips")
    for group, means in summarise(figures).items():
        table.add_row(group, f"{means['clips']:.0f}", *(f"{means[name]:.3f}" for name in FIGURES))
    Console(width=max(100, Console().width)).print(table)
    for name, meaning in FIGURES.items():
        typer.echo(f"{name}: {meaning}")
    if output is not None:
        with whole_file(output) as partial:
            partial.write_text(json.dumps(as_json(figures), indent=1), encoding="utf-8")
