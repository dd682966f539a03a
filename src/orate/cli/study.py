"""`orate study`: make, serve and read a Turing test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from orate.cli.counting_bar import counting_bar
from orate.errors import OrateError

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
study_app = typer.Typer(
    no_args_is_help=True,
    help="Let people say which clips are real: make a study, serve its page, read the results.",
    context_settings=HELP_OPTIONS,
)
Folder = Annotated[Path, typer.Argument(help="The study's folder, from `orate study make`.")]


@study_app.command(context_settings=HELP_OPTIONS)
def make(
    model: Annotated[str, typer.Argument(help="Weights: a bundled name, a folder, or a Hugging Face Hub id.")],
    data: Annotated[
        list[Path], typer.Option("--data", help="Folder from `orate prepare`; may be given several times.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.")],
    clips: Annotated[int, typer.Option(min=2, help="Clips to use of the data; more than a person sees is fine.")] = 24,
    per_person: Annotated[int, typer.Option(min=2, help="Clips that a person sees, half of them real.")] = 24,
    seconds: Annotated[float, typer.Option(help="Length of all clips: longer ones are cut, shorter left out.")] = 3.0,
    split: Annotated[str, typer.Option(help="Part of the data: validation, unseen, train or all.")] = "validation",
    contact: Annotated[str, typer.Option(help="Who runs the study, and how to reach them: shown on the page.")] = "",
    consent: Annotated[
        Path | None, typer.Option(help="Text file with what people agree to, an empty line between paragraphs.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of clips and of the generated movement.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Write real clips, and what a model makes of their first frame and sound, through one encoder."""
    from orate.evaluation.generators import load_clip_generator
    from orate.study.make import StudySettings, check_output, make_study, read_consent
    from orate.study.words import CONSENT

    settings = StudySettings(
        clips=clips,
        per_person=per_person,
        seconds=seconds,
        split=split,
        seed=seed,
        contact=contact,
        consent=CONSENT if consent is None else read_consent(consent),
    )
    settings.check()  # before a model is loaded
    check_output(output)
    name = Path(model).name if Path(model).is_dir() else model
    with counting_bar(quiet) as bar:
        task = bar.add_task("Clips", total=clips)
        _, left_out = make_study(
            load_clip_generator(model, device),
            name,
            data,
            output,
            settings,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for line in left_out:
        typer.echo(line, err=True)
    typer.echo(output)


@study_app.command(context_settings=HELP_OPTIONS)
def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for a free one.")] = 8000,
    shared_device: Annotated[
        bool, typer.Option("--shared-device", help="People take turns in one browser: offer the next one to begin.")
    ] = False,
) -> None:
    """Serve the page until it is stopped; answers are kept in the folder, and a new start goes on with them."""
    try:
        from orate.study.app import study_app as make_app
        from orate.study.server import address_of, bind, serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0].startswith("orate"):
            raise
        raise OrateError(
            "Serving a study needs FastAPI and uvicorn; install them with: pip install 'orate[study]'"
        ) from error
    from orate.study.folder import read_study

    app = make_app(folder, shared_device)
    with bind(host, port) as listening:
        address = address_of(listening)
        typer.echo(f"The study: {address}")
        typer.echo(f"Its results, for you alone: {address}results/{read_study(folder).operator_key}/")
        serve(app, listening)


@study_app.command(context_settings=HELP_OPTIONS)
def results(
    folder: Folder,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for results.html, summary.json and tables as CSV.")
    ] = None,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Count people too who have not answered all clips.")
    ] = False,
    without: Annotated[
        str, typer.Option(help="Numbers of people to leave out, separated by commas, such as your own trials.")
    ] = "",
) -> None:
    """Print how well people tell generated clips from real ones, and write it down."""
    from orate.study.folder import ANSWERS_NAME, read_study
    from orate.study.results import as_json, summarise
    from orate.study.results_page import results_page
    from orate.study.results_text import print_results
    from orate.study.store import AnswerStore
    from orate.study.tables import TABLES

    study = read_study(folder)
    if not (folder / ANSWERS_NAME).is_file():
        raise OrateError(f"Nobody has taken part in {folder} yet: serve it with 'orate study serve {folder}'.")
    store = AnswerStore(folder / ANSWERS_NAME, study)
    found = summarise(study, store, unfinished=unfinished, without=_numbers(without))
    print_results(study, found)
    if output is not None:
        files = {f"{name}.csv": table(found) for name, table in TABLES.items()}
        files["summary.json"] = json.dumps(as_json(study, found), indent=1, allow_nan=False)
        files["results.html"] = results_page(study, found)
        _write(output, files)


def _numbers(text: str) -> set[int]:
    try:
        return {int(part) for part in text.split(",") if part.strip()}
    except ValueError:
        raise OrateError(f"'{text}' are no numbers of people: write --without 1,2.") from None


def _write(folder: Path, files: dict[str, str]) -> None:
    from orate.media.files import output_error, whole_file

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    for name, text in files.items():
        with whole_file(folder / name) as partial:
            partial.write_text(text, encoding="utf-8", newline="")
