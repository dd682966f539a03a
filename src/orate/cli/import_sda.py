"""``orate import-sda``: the authors' released checkpoint to orate's format."""

from pathlib import Path
from typing import Annotated

import typer


def import_sda(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", show_default=False, help="A checkpoint of the paper's authors, such as grid.dat."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", show_default=False, help="The folder to write the model to."),
    ],
) -> None:
    """Convert a checkpoint of the paper's authors for 'animate --model DIR'.

    The file is read safely: one that holds anything but numbers is refused, and no code in it runs.
    """
    from orate.models.checkpoint import save_model
    from orate.models.sda import load_sda

    save_model(load_sda(file), output, half=False, metadata={"source": f"import-sda {file.name}"})
    typer.echo(output)
