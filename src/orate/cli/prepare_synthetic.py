"""``orate prepare synthetic``: people that nobody knows, drawn and moved by real clips, to shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orate.cli.engines import EngineName, EngineOption, RayAddress
from orate.cli.prepare_options import (
    Out,
    Workers,
    engine_of,
    prepare_progress,
    print_report,
    typed_command,
)


def synthetic(
    context: typer.Context,
    out: Out,
    assets: Annotated[
        Path, typer.Option(help="Folder of ICT-FaceKit's head: ict_facekit_light.npz and landmarks_478.npy.")
    ],
    motion: Annotated[
        Path, typer.Option(help="Folder from `orate prepare`: its training clips lend motion and sound.")
    ],
    people: Annotated[int, typer.Option(min=1, help="How many people; each has one clip.")] = 100,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, help="Length of each clip. Default: that of the clip it moves like.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Other people for another number.")] = 0,
    size: Annotated[int, typer.Option(min=128, max=2048, help="Side of the picture that is drawn, in pixels.")] = 384,
    turn: Annotated[
        float, typer.Option(min=0, max=45, help="How far heads are turned at most, in degrees; most are less.")
    ] = 15.0,
    videos: Annotated[
        Path | None,
        typer.Option(help="Also keep the whole pictures here: MP4 with sound, exact landmarks beside it."),
    ] = None,
    workers: Workers = None,
    engine: EngineOption = EngineName.POOL,
    ray_address: RayAddress = None,
) -> None:
    """Draw people that do not exist, moved by the measured motion of real clips, with their sound.

    Every person has an own shape of the head, skin, eyes, light and camera; landmarks are exact. All are for training:
    only training clips of --motion are used, so that nothing held out is learned from.
    """
    from orate.corpora.synthetic.people import prepare_people
    from orate.corpora.synthetic.recipe import Recipe

    recipe = Recipe(
        assets=assets,
        motion=motion,
        people=people,
        seed=seed,
        side=size,
        turn_deg=turn,
        seconds=seconds,
        videos=videos,
    )
    chosen = engine_of(engine, workers, ray_address)
    with prepare_progress() as progress:
        report = prepare_people(recipe, out, progress=progress, engine=chosen, command=typed_command(context))
    print_report(report, out)
