"""How errors reach a person: one sentence, an exit code, a stack trace only on request."""

import errno
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Annotated

import pytest
import typer

from orate import OrateError, __version__
from orate.cli import main as cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process; a command ``fail`` raises what the test gives."""
    monkeypatch.delenv("ORATE_DEBUG", raising=False)

    def run_command(*arguments: str, error: BaseException | None = None) -> tuple[int, str, str]:
        app = typer.Typer(pretty_exceptions_enable=False)
        app.callback()(cli._global_options)

        @app.command()
        def fail() -> None:
            if error is not None:
                raise error

        monkeypatch.setattr(cli, "app", app)
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err

    return run_command


def test_success_is_exit_zero_and_silent(run: Run) -> None:
    assert run("fail") == (0, "", "")


def test_an_orate_error_is_one_sentence(run: Run) -> None:
    code, out, err = run("fail", error=OrateError("there is no face in a.jpg; use another photo."))
    assert (code, out, err) == (1, "", "Error: there is no face in a.jpg; use another photo.\n")


@pytest.mark.parametrize("arguments", [("--debug", "fail"), ("fail", "--debug")])
def test_debug_shows_the_stack_trace_wherever_it_stands(run: Run, arguments: tuple[str, ...]) -> None:
    code, _, err = run(*arguments, error=OrateError("no face."))
    assert code == 1
    assert "Traceback (most recent call last)" in err
    assert err.endswith("Error: no face.\n")


@pytest.mark.parametrize(("value", "shown"), [("1", True), ("0", False), ("", False)])
def test_debug_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch, value: str, shown: bool) -> None:
    monkeypatch.setenv("ORATE_DEBUG", value)
    _, _, err = run("fail", error=OrateError("no face."))
    assert ("Traceback" in err) is shown


def test_a_bug_says_that_it_is_one(run: Run) -> None:
    code, _, err = run("fail", error=ValueError("shapes differ\nat length"))
    assert code == 70
    assert len(err.splitlines()) == 1
    for part in ("bug in orate", __version__, "ValueError: shapes differ", "report", "--debug"):
        assert part in err


def test_a_missing_training_extra_names_the_command_to_install_it(run: Run) -> None:
    error = ModuleNotFoundError("No module named 'lightning_fabric.x'", name="lightning_fabric.x")
    code, _, err = run("fail", error=error)
    assert code == 1
    assert "pip install 'orate[train]'" in err


def test_another_missing_module_is_a_bug(run: Run) -> None:
    assert run("fail", error=ModuleNotFoundError("No module named 'orate.x'", name="orate.x"))[0] == 70


def test_a_full_disk_is_no_bug(run: Run) -> None:
    code, _, err = run("fail", error=OSError(errno.ENOSPC, "No space left on device", "out.mp4"))
    assert (code, err) == (1, "Error: out.mp4: No space left on device.\n")


def test_too_little_memory_is_no_bug(run: Run) -> None:
    code, _, err = run("fail", error=MemoryError())
    assert code == 1
    assert "memory" in err


def test_an_interrupt_is_130_without_a_trace(run: Run) -> None:
    code, _, err = run("fail", error=KeyboardInterrupt())
    assert code == 130
    assert "Traceback" not in err


def test_wrong_usage_is_2(run: Run) -> None:
    code, _, err = run("fail", "--no-such-option")
    assert code == 2
    assert "--no-such-option" in err


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"orate {__version__}\n", "")


def load(monkeypatch: pytest.MonkeyPatch, name: str, exported: object) -> None:
    """Put ``exported`` where the lazy command ``name`` looks for it."""
    module_name, export, _ = cli.LAZY_COMMANDS[name]
    module = ModuleType(module_name)
    setattr(module, export, exported)
    monkeypatch.setitem(sys.modules, module_name, module)


def test_a_lazy_command_gets_its_arguments_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[object] = []

    def import_sda(file: str, output: Annotated[str, typer.Option("-o", "--output")], verbose: bool = False) -> None:
        got.extend((file, output, verbose))

    load(monkeypatch, "import-sda", import_sda)
    for arguments in (["grid.dat", "-o", "out", "--verbose"], ["--verbose", "-o", "out", "grid.dat"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(["import-sda", *arguments])
        assert ended.value.code == 0
    assert got == ["grid.dat", "out", True] * 2


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_a_lazy_command_shows_its_own_help(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(config: str, steps: int = 5) -> None:
        """Train."""

    load(monkeypatch, "train", train)
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", option])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "orate train" in out
    assert "--steps" in out


def test_errors_of_a_lazy_command_are_sentences_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_app = typer.Typer()

    @prepare_app.callback()
    def group() -> None: ...

    @prepare_app.command()
    def grid(source: str) -> None:
        raise OrateError(f"{source} is not a folder.")

    load(monkeypatch, "prepare", prepare_app)
    monkeypatch.delenv("ORATE_DEBUG", raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main(["prepare", "grid", "nowhere"])
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", "Error: nowhere is not a folder.\n")


@pytest.mark.parametrize("name", [name for name, source in cli.LAZY_COMMANDS.items() if find_spec(source[0])])
def test_every_lazy_command_exists(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    assert f"orate {name}" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_stopped_command_unwinds(name: str, code: int) -> None:
    """A signal that ends it, also a terminal that is closed, must run the clean-up of whatever was being written."""
    if not hasattr(signal, name):
        pytest.skip(f"no {name} here")
    script = f"""
import os, signal, sys
import orate.cli.main as cli
def stopped():
    try:
        os.kill(os.getpid(), signal.{name})
    finally:
        print("cleaned up")
cli.app.command()(stopped)
cli.main(["stopped"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (code, "cleaned up\n", "")
