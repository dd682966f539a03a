"""``orate prepare check``: whether prepared folders still hold what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orate.cli.counting_bar import counting_bar
from orate.errors import OrateError


def check(
    folders: Annotated[list[Path], typer.Argument(help="Prepared folders.")],
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes only.")] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every sample as well.")] = False,
) -> None:
    """Compare shards with the checksums in index.json. One line for each damaged file, and exit code 1 if any."""
    from orate.corpora.checking import Depth, check_folder, shard_count

    if quick and deep:
        raise OrateError("Give --quick or --deep, not both.")
    depth = Depth.SIZES if quick else Depth.SAMPLES if deep else Depth.BYTES
    damaged = 0
    total = sum(shard_count(folder) for folder in folders)
    with counting_bar() as bar:
        task = bar.add_task("checking", total=total)
        for folder in folders:
            for finding in check_folder(folder, depth):
                if finding.fault:
                    damaged += 1
                    typer.echo(f"{finding.path} {finding.fault}")
                bar.advance(task)
    if damaged:
        files = "1 file is damaged" if damaged == 1 else f"{damaged} files are damaged"
        typer.echo(f"{files}: delete what is named above and run the same 'orate prepare' again; it makes only that.")
        raise typer.Exit(1)
    looked = {Depth.SIZES: "sizes compared", Depth.BYTES: "checksums compared", Depth.SAMPLES: "every sample decoded"}
    typer.echo(f"{'1 shard is' if total == 1 else f'{total} shards are'} whole ({looked[depth]}).")
