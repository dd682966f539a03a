"""A batch with a stand-in for the animator: what is made, what is not made again, and what errors do."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import stand_in
from stand_in import StandIn

from orate import OrateError
from orate.animator.batch.manifest import read_manifest
from orate.animator.batch.outcome import Event, Outcome, Progress, State
from orate.animator.batch.pool import Pool
from orate.animator.batch.rows import STATE_FOLDER, part_of, rows_of
from orate.animator.batch.run import run_batch


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "a.jpg").write_text("a")
    for name in ("one", "two", "three", "wrong", "bug", "crash", "once"):
        (tmp_path / f"{name}.wav").write_text(name)
    return tmp_path


def batch(
    folder: Path, *audio: str, workers: int = 1, load: Callable[[], StandIn] = stand_in.load, **columns: object
) -> dict[int, Outcome]:
    cells = [{"photo": "a.jpg", "audio": f"{name}.wav", **columns} for name in audio]
    return run_batch(rows_of(cells, folder / "out", folder), folder / "out", Pool(workers), load=load)


def states(outcomes: dict[int, Outcome]) -> list[str]:
    return [str(outcomes[number].state) for number in sorted(outcomes)]


def written(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.mp4")}


def test_errors_and_crashes_stop_no_other_row(files: Path) -> None:
    outcomes = batch(files, "one", "wrong", "crash", "bug", "missing", "once", "two", workers=2)
    assert states(outcomes) == ["done", "failed", "failed", "failed", "failed", "done", "done"]
    assert outcomes[2].error == f"{files}/out/0002-a-wrong.mp4 cannot be made."
    assert "was killed by SIGSEGV 2 times" in outcomes[3].error
    assert "bug in orate (RuntimeError: two lines)" in outcomes[4].error
    assert outcomes[5].error == f"There is no file {files}/missing.wav."
    assert sorted(written(files)) == ["0001-a-one.mp4", "0006-a-once.mp4", "0007-a-two.mp4"]
    assert list((files / "out" / STATE_FOLDER / "work").iterdir()) == []
    with (files / "out" / "report.csv").open(newline="") as file:
        report = list(csv.DictReader(file))
    assert [row["row"] for row in report] == list("1234567")
    assert [row["state"] for row in report] == states(outcomes)
    assert report[0] | {"seconds": ""} == {
        "row": "1",
        "photo": "a.jpg",
        "audio": "one.wav",
        "output": "0001-a-one.mp4",
        "state": "done",
        "error": "",
        "seconds": "",
        "content_id": outcomes[1].content_id,
    }
    assert len(outcomes[1].content_id) == 16


def test_finished_rows_are_not_made_again_and_failed_ones_are(files: Path) -> None:
    first = batch(files, "one", "wrong")
    before = written(files)
    (files / "wrong.wav").write_text("right")
    second = batch(files, "one", "wrong")
    assert states(second) == ["done", "done"]
    assert second[1] == first[1], "its time and id are remembered"
    assert written(files).items() > before.items()


def test_a_file_that_was_touched_is_the_same_and_one_that_changed_is_not(files: Path) -> None:
    batch(files, "one", "two")
    before = written(files)
    os.utime(files / "one.wav", (1, 1))
    (files / "two.wav").write_text("tow")
    batch(files, "one", "two")
    after = written(files)
    assert after["0001-a-one.mp4"] == before["0001-a-one.mp4"]
    assert after["0002-a-two.mp4"] != before["0002-a-two.mp4"]


def test_other_options_make_it_again_and_those_at_their_defaults_do_not(files: Path) -> None:
    batch(files, "one")
    before = written(files)
    batch(files, "one", seed="0", emotion="neutral")
    assert written(files) == before
    batch(files, "one", seed="5")
    assert written(files) != before


def test_what_is_stale_does_not_stay_when_the_row_fails_now(files: Path) -> None:
    batch(files, "one")
    (files / "one.wav").write_text("wrong")
    assert states(batch(files, "one")) == ["failed"]
    assert written(files) == {}


def test_what_the_batch_did_not_make_is_left_alone(files: Path) -> None:
    (files / "out").mkdir()
    (files / "out" / "0001-a-one.mp4").write_text("holiday")
    batch(files, "one", "two")
    (files / "out" / "0002-a-two.mp4").write_text("cut by hand")
    outcomes = batch(files, "one", "two")
    assert states(outcomes) == ["failed", "failed"]
    assert "was not made by this batch" in outcomes[1].error
    assert "was changed since this batch made it" in outcomes[2].error
    assert (files / "out" / "0001-a-one.mp4").read_text() == "holiday"
    assert (files / "out" / "0002-a-two.mp4").read_text() == "cut by hand"


def test_a_deleted_video_is_made_again(files: Path) -> None:
    batch(files, "one")
    (files / "out" / "0001-a-one.mp4").unlink()
    batch(files, "one")
    assert list(written(files)) == ["0001-a-one.mp4"]


def test_a_damaged_record_is_no_record(files: Path) -> None:
    batch(files, "one")
    for path in (files / "out" / STATE_FOLDER / "records").iterdir():
        path.write_text("{")
    assert "was not made by this batch" in batch(files, "one")[1].error


def test_processes_that_cannot_be_had_end_the_row_not_the_batch_for_ever(files: Path) -> None:
    outcomes = batch(files, "one", load=stand_in.load_and_die)
    assert "ended by itself with status 3 2 times" in outcomes[1].error


def test_a_process_serves_many_rows_with_one_thread(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = files / "loaded.txt"
    monkeypatch.setenv("STAND_IN_LOADED", str(log))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    batch(files, "one", "two", "three")
    assert log.read_text() == "1\n"
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_two_runs_at_a_time_are_refused(files: Path) -> None:
    rows = rows_of([{"photo": "a.jpg", "audio": "one.wav"}], files / "out", files)
    refused: list[str] = []

    def show(event: Event) -> None:
        with pytest.raises(OrateError) as error:
            run_batch(rows, files / "out", Pool(1), load=stand_in.load)
        refused.append(str(error.value))

    run_batch(rows, files / "out", Pool(1), load=stand_in.load, show=show)
    assert "Another 'orate batch' is at work" in refused[0]


def test_stopped_in_the_middle_the_report_says_what_waits(files: Path) -> None:
    cells = [{"photo": "a.jpg", "audio": f"{name}.wav"} for name in ("one", "two", "three")]

    def stop(event: Event) -> None:
        if isinstance(event, Outcome):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(rows_of(cells, files / "out", files), files / "out", Pool(1), load=stand_in.load, show=stop)
    with (files / "out" / "report.csv").open(newline="") as file:
        assert [row["state"] for row in csv.DictReader(file)] == ["done", "waiting", "waiting"]
    assert list((files / "out" / STATE_FOLDER / "work").iterdir()) == []
    assert states(batch(files, "one", "two", "three")) == ["done"] * 3


def test_rows_tell_how_far_they_are(files: Path) -> None:
    told: list[Event] = []
    rows = rows_of([{"photo": "a.jpg", "audio": "one.wav"}], files / "out", files)
    run_batch(rows, files / "out", Pool(1), load=stand_in.load, show=told.append)
    assert isinstance(told[0], Progress)
    assert 0 <= told[0].share < 1
    assert isinstance(told[-1], Outcome)


def test_machines_share_a_folder_and_a_run_over_all_rows_makes_the_whole_report(files: Path) -> None:
    manifest = files / "list.jsonl"
    names = ("one", "two", "three")
    manifest.write_text("\n".join(f'{{"photo": "a.jpg", "audio": "{name}.wav"}}' for name in names))
    rows = rows_of(read_manifest(manifest), files / "out", files)
    assert [row.number for row in part_of(rows, (1, 2))] == [1, 3]
    assert [row.number for row in part_of(rows, (1, 2), limit=1)] == [1]
    for index in (1, 2):
        run_batch(part_of(rows, (index, 2)), files / "out", Pool(1), shard=(index, 2), load=stand_in.load)
    assert {path.name for path in (files / "out").glob("*.csv")} == {"report-1-of-2.csv", "report-2-of-2.csv"}
    before = written(files)
    outcomes = run_batch(rows, files / "out", Pool(1), load=stand_in.load)
    assert all(outcome.state is State.DONE for outcome in outcomes.values())
    assert written(files) == before
