"""The command ``orate``: which sub-commands there are, and how errors reach a person.

``orate --help`` answers at once, and ``orate animate`` never loads the training code: the module of each other command
is imported when the command is called, and ``animate`` imports the networks only when it runs.
"""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Annotated, NoReturn

import typer

from orate import OrateError, __version__
from orate.cli.animate import animate

EXIT_ERROR = 1  # something the user can mend
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h: an error of ours
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
STOPPING_SIGNALS = ("SIGTERM", "SIGHUP")
SIGNAL_EXIT = 128  # and the signal's number, as shells report it: 143 for SIGTERM
TRAIN_EXTRA_MODULES = {"lightning_fabric", "lightning_utilities", "skimage", "scipy", "tensorboard"}
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

# Commands by name: module, what it exports (a Typer app or a function), and the line in ``orate --help``.
LAZY_COMMANDS = {
    "batch": ("orate.cli.batch", "batch", "Make the videos of a table of photos and sounds, several at a time."),
    "verify": ("orate.cli.verify", "verify", "Say whether a file was made by orate, by the marks that it carries."),
    "prepare": ("orate.cli.prepare", "prepare_app", "Turn a corpus into shards of aligned faces and sound."),
    "train": ("orate.cli.train", "train", "Train a model on prepared shards."),
    "evaluate": ("orate.cli.evaluate", "evaluate", "Measure a model on clips that it was not trained on."),
    "study": ("orate.cli.study", "study_app", "Let people say which clips are real: a Turing test."),
    "ablate": ("orate.cli.ablate", "ablate", "Train and measure the rows of the paper's ablation on a small budget."),
    "import-sda": ("orate.cli.import_sda", "import_sda", "Convert a checkpoint of the paper's authors."),
}

app = typer.Typer(
    name="orate",
    help="Make one photo of a face speak a clip of speech.",
    epilog="'orate COMMAND --help' tells about one command. Animate only faces of people who agreed to it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=HELP_OPTIONS,
)
app.command(context_settings=HELP_OPTIONS)(animate)


def _register(name: str, module: str, export: str, summary: str) -> None:
    """Add a command that hands all its arguments, --help too, to the module that it loads."""
    pass_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

    @app.command(name, help=summary, context_settings=pass_on)
    def run(context: typer.Context) -> None:
        exported = getattr(import_module(module), export)
        command = exported
        if not isinstance(exported, typer.Typer):
            command = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=HELP_OPTIONS)
            command.command()(exported)
        command(context.args, prog_name=f"orate {name}")


for _name, _source in LAZY_COMMANDS.items():
    _register(_name, *_source)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"orate {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the stack trace of an error. May stand anywhere; ORATE_DEBUG=1 too.")
    ] = False,
) -> None:
    """Make one photo of a face speak a clip of speech."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: What stands after the program's name; ``sys.argv[1:]`` when None.

    Raises:
        SystemExit: Always. 0 done, 1 an error the user can mend, 2 wrong usage, 70 a bug in orate, 130 interrupted,
            143 terminated.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given or os.environ.get("ORATE_DEBUG", "0") not in ("", "0")
    # A terminated command must leave no half-written file behind, so the signal has to unwind the stack.
    for name in STOPPING_SIGNALS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup has it ignored
            signal.signal(number, _exit_on_signal)
    try:
        app([word for word in given if word != "--debug"], prog_name="orate")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last place where an error can be put in words
        if debug:
            traceback.print_exc()
        message, code = describe(error)
        typer.echo(message, err=True)
        sys.exit(code)
    sys.exit(0)


def describe(error: Exception) -> tuple[str, int]:
    """Put an error in one sentence for a person.

    Args:
        error: Whatever a command raised.

    Returns:
        The line for the terminal, and the status to exit with.
    """
    if isinstance(error, OrateError):
        return f"Error: {error}", EXIT_ERROR
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in TRAIN_EXTRA_MODULES:
        return "Error: this command needs the training extra; install it with: pip install 'orate[train]'", EXIT_ERROR
    if isinstance(error, MemoryError):
        return "Error: there is not enough memory for this; close other programs or use a smaller photo.", EXIT_ERROR
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"Error: {error.filename}: {error.strerror}.", EXIT_ERROR
    kind = f"{type(error).__name__}: {error}".splitlines()[0]
    advice = "please report it in the project's issue tracker, with what the same command prints with --debug"
    return f"Error: this is a bug in orate {__version__} ({kind}); {advice}.", EXIT_BUG


def _exit_on_signal(signal_number: int, frame: FrameType | None) -> None:
    sys.exit(SIGNAL_EXIT + signal_number)
