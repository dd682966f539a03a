"""Clips that end the process which takes them, in a pool: they are dropped, the others come."""

import pytest
from fake_clips import SHARD_BYTES, fake_clips, prepare_fake
from fatal_clip import FATAL, prepare_or_die

from orate.corpora.attempts import MOST_ATTEMPTS, MOST_CRASHES, Attempts, Finished, believed
from orate.corpora.clip import PrepareSettings
from orate.corpora.engine import PoolEngine, Task
from orate.corpora.prepare import prepare
from orate.corpora.worker import record_path
from orate.errors import OrateError


def task_in(folder, how=prepare_fake):
    (folder / "work").mkdir(exist_ok=True)
    return Task(PrepareSettings(), folder / "work", how)


def test_a_clip_that_ends_every_process_is_dropped_and_no_other(tmp_path):
    clips, seen = fake_clips(tmp_path / "source", 30), []
    report = prepare(
        clips,
        tmp_path / "out",
        engine=PoolEngine(2),
        prepare_clip=prepare_or_die,
        shard_bytes=SHARD_BYTES,
        progress=lambda done, total: seen.append(done),
    )
    assert seen == list(range(len(clips) + 1))
    reasons = {clip.key: (clip.reason, clip.detail) for clip in report.dropped}
    assert reasons.pop(FATAL) == ("crashed the process", f"{MOST_ATTEMPTS} times")
    assert set(reasons.values()) == {("no face", "")}
    assert (tmp_path / "out" / ".prepare" / "begun").stat().st_size == MOST_ATTEMPTS
    assert len(report.index.samples) + len(reasons) + 1 == len(clips)


def test_when_all_clips_do_it_is_not_the_clips(tmp_path):
    task = task_in(tmp_path)
    for number in range(MOST_CRASHES):
        record_path(task.work, f"c{number}").write_text("dropped")
    crashed = [Finished(f"c{number}", crashed=True) for number in range(MOST_CRASHES)]
    assert list(believed([*crashed[1:], Finished("good")], task.work)) == [*(clip.key for clip in crashed[1:]), "good"]
    with pytest.raises(OrateError, match="whatever clip they take"):
        list(believed(crashed, task.work))
    assert not list(task.work.iterdir())  # the next run tries them again


def test_what_was_begun_and_not_finished_counts_in_one_run_only(tmp_path):
    task, (clip,) = task_in(tmp_path), fake_clips(tmp_path / "source", 1)
    for _ in range(MOST_ATTEMPTS):
        with (task.work / f".{clip.key}.one.begun").open("a") as mark:
            mark.write(".")
    assert Attempts(task, "one").begun() == [clip.key]
    assert Attempts(task, "two").begun() == []
    assert Attempts(task, "two").prepare(clip) == Finished(clip.key)
    record_path(task.work, clip.key).unlink()
    assert Attempts(task, "one").prepare(clip) == Finished(clip.key, crashed=True)
    assert Attempts(task, "three").prepare(clip) == Finished(clip.key, crashed=True)  # the record says so
    assert Attempts(task, "one").begun() == []
