"""What ``orate batch`` hands on, what it prints, and its exit status. Processes are tested in tests/batch."""

import inspect
from collections.abc import Generator, Sequence
from enum import Enum
from pathlib import Path
from typing import ClassVar

import pytest

from orate.animator.batch import pool
from orate.animator.batch.columns import CONTROLS, DEFAULTS
from orate.animator.batch.outcome import Event, Outcome, Progress, State
from orate.animator.batch.rows import Job
from orate.animator.batch.worker import Task
from orate.cli.animate import NATURAL, animate
from orate.cli.batch import OF_ONE_VIDEO
from orate.cli.main import main


class FakePool:
    """Says what the test wants of each row."""

    workers: ClassVar[int] = 0
    jobs: ClassVar[list[Job]] = []
    ends: ClassVar[dict[int, BaseException | str]] = {}

    def __init__(self, workers: int) -> None:
        FakePool.workers = workers

    def run(self, jobs: Sequence[Job], task: Task) -> Generator[Event]:
        FakePool.jobs = list(jobs)
        for job in jobs:
            yield Progress(job.number, 0.5)
            end = FakePool.ends.get(job.number, "")
            if isinstance(end, BaseException):
                raise end
            yield Outcome(job.number, State.FAILED if end else State.DONE, end)


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[FakePool]:
    monkeypatch.setattr(pool, "Pool", FakePool)
    monkeypatch.setattr(FakePool, "ends", {})
    monkeypatch.delenv("ORATE_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "all.csv").write_text("photo,audio,seed\na.jpg,1.wav,\na.jpg,2.wav,5\na.jpg,3.wav,\n")
    return FakePool


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["batch", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_columns_are_the_options_of_animate() -> None:
    options = {
        name: item.default.value if isinstance(item.default, Enum) else item.default
        for name, item in inspect.signature(animate).parameters.items()
        if name not in OF_ONE_VIDEO
    }
    assert options == DEFAULTS
    assert {name: type(value) for name, value in options.items()} == {
        name: type(value) for name, value in DEFAULTS.items()
    }
    assert set(CONTROLS) == set(NATURAL)


def test_options_are_the_rows_defaults(fake: type[FakePool], capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--seed", "7", "--emotion", "sad", "--workers", "3", "--certificate", "c.pem", "--no-watermark"]
    assert run("lists/all.csv", "-o", "out", *more) == 0
    assert fake.workers == 3
    assert [job.options["seed"] for job in fake.jobs] == [7, 5, 7]
    assert fake.jobs[0].options["emotion"] == "sad"
    assert fake.jobs[0].options["certificate"] == str(Path.cwd() / "c.pem")
    assert fake.jobs[0].photo == Path.cwd() / "lists" / "a.jpg"
    printed = capsys.readouterr()
    assert printed.out == "3 of 3 videos are in out; see out/report.csv\n"
    assert printed.err == "Note: some were made without watermark, for research.\n"


def test_some_rows_failed(fake: type[FakePool], capsys: pytest.CaptureFixture[str]) -> None:
    fake.ends = {2: "There is no face in [a].jpg."}
    assert run("lists/all.csv", "-o", "out") == 1
    printed = capsys.readouterr()
    assert printed.out == "2 of 3 videos are in out, 1 failed; see out/report.csv\n"
    assert printed.err == "Row 2: There is no face in [a].jpg.\n"


def test_parts_and_limits(fake: type[FakePool], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lists/all.csv", "-o", "out", "--shard", "1/2", "--limit", "1", "-q") == 0
    assert [job.number for job in fake.jobs] == [1]
    assert capsys.readouterr() == ("", "")
    assert (Path("out") / "report-1-of-2.csv").exists()
    for wrong in ("0/2", "3/2", "2", "a/b"):
        assert run("lists/all.csv", "-o", "out", "--shard", wrong) == 1
    assert run("lists/all.csv", "-o", "out", "--shard", "4/4") == 1
    assert "has no rows" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(
    fake: type[FakePool], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["orate", "batch", "lists/all.csv", "-o", "my videos"])
    fake.ends = {2: KeyboardInterrupt()}
    assert run("lists/all.csv", "-o", "my videos") == 130
    assert "1 of 3 videos made. To go on: orate batch lists/all.csv -o 'my videos'" in capsys.readouterr().err
    assert "waiting" in (Path("my videos") / "report.csv").read_text()
    fake.ends = {2: SystemExit(143)}
    assert run("lists/all.csv", "-o", "my videos") == 143


def test_a_wrong_manifest_or_folder_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("no.csv", "-o", "out") == 1
    assert capsys.readouterr().err == "Error: There is no file no.csv.\n"
    Path("file").write_text("")
    assert run("lists/all.csv", "-o", "file") == 1
    assert run("lists/all.csv", "-o", "out", "--ray-address", "auto") == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert "--engine ray too" in errors[1]
