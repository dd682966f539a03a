"""What happens around the preparation of single clips: shards by size, plans, kills, duplicates. The clips are fake."""

import os
import random
import signal
import subprocess
import sys
import tarfile
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fake_clips import SHARD_BYTES, fake_clips, prepare_fake, prepare_fake_slowly

from orate.corpora import joining
from orate.corpora.engine import PoolEngine
from orate.corpora.plan import PLAN_NAME
from orate.corpora.prepare import prepare
from orate.corpora.shards import read_index, read_member, write_shard
from orate.errors import OrateError

COUNT = 40
RUN = "import sys, fake_clips; fake_clips.main(*sys.argv[1:])"


class Kill(BaseException):
    """Stands for SIGKILL: nothing is done on the disk any more."""


class AnyOrder:
    """An engine that finishes clips in a drawn order."""

    def __init__(self, seed):
        self.seed = seed

    @contextmanager
    def run(self, clips, task):
        shuffled = random.Random(self.seed).sample(list(clips), len(clips))  # noqa: S311
        yield (task.prepare(clip, task.settings, task.work) for clip in shuffled)


def run(clips, out, **options):
    return prepare(clips, out, **{"prepare_clip": prepare_fake, "shard_bytes": SHARD_BYTES, "card": False, **options})


def everything_in(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("lock", PLAN_NAME)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def clips(tmp_path):
    return fake_clips(tmp_path / "source", COUNT)


@pytest.fixture
def whole(clips, tmp_path):
    """The folder as one run makes it."""
    run(clips, tmp_path / "whole")
    return everything_in(tmp_path / "whole")


def test_shards_are_closed_by_the_clip_that_reaches_the_size(clips, whole, tmp_path):
    index = read_index(tmp_path / "whole")
    assert len(index.shards) > 3
    for shard in index.shards:
        last = [sample for sample in index.samples if sample.shard == shard.name][-1]
        with tarfile.open(tmp_path / "whole" / shard.name) as tar:
            assert len(tar.getnames()) == 2 * sum(sample.shard == shard.name for sample in index.samples)
        without_last = min(member.offset for member in last.members.values()) - tarfile.BLOCKSIZE
        assert without_last < SHARD_BYTES
        if shard is not index.shards[-1]:
            assert shard.bytes >= SHARD_BYTES
    assert [sample.key for sample in index.samples] == sorted(sample.key for sample in index.samples)
    assert len(index.samples) == sum(int(clip.key[1:]) % 7 != 6 for clip in clips)
    for sample in index.samples:
        assert read_member(tmp_path / "whole", sample, "json") == b"{}"


@pytest.mark.parametrize("engine", [AnyOrder(0), AnyOrder(1), PoolEngine(2)], ids=["order", "other order", "pool"])
def test_bytes_do_not_depend_on_the_engine(clips, whole, engine, tmp_path):
    run(list(reversed(clips)), tmp_path / "out", engine=engine)
    assert everything_in(tmp_path / "out") == whole


def test_parts_do_not_pile_up(clips, tmp_path):
    most = []
    work = tmp_path / "out" / ".prepare" / "samples"

    def count(done, total):
        most.append(sum(path.stat().st_size for path in work.glob("*.tarpart")))

    run(clips, tmp_path / "out", progress=count)
    assert max(most) < SHARD_BYTES + 12_000  # the open shard's, and no other's
    assert not work.exists()


def test_killed_at_any_step_nothing_is_lost_or_double(clips, whole, tmp_path, monkeypatch):
    """Every change on the disk is once the last one before a kill."""
    clips = clips[:10]
    run(clips, tmp_path / "small", shard_bytes=12_000)
    small = everything_in(tmp_path / "small")
    step = 0
    while killed_after(step, clips, tmp_path / f"out{step}", monkeypatch, 12_000):
        run(clips, tmp_path / f"out{step}", shard_bytes=12_000)
        assert everything_in(tmp_path / f"out{step}") == small, f"killed after step {step}"
        step += 1
    assert len(list((tmp_path / "small").glob("*.tar"))) > 2
    assert step > 60


def test_killed_again_and_again(clips, whole, tmp_path, monkeypatch):
    kills = 0
    while killed_after(17, clips, tmp_path / "out", monkeypatch):
        kills += 1
        assert kills < COUNT
    assert kills > 5
    assert everything_in(tmp_path / "out") == whole


def killed_after(steps, clips, out, monkeypatch, shard_bytes=SHARD_BYTES):
    """Run until so many changes on the disk have been made; whether that was before the end."""
    left = [steps]

    def dying(function):
        def instead(*args, **options):
            if left[0] <= 0:
                raise Kill
            left[0] -= 1
            return function(*args, **options)

        return instead

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "mkdir", "write_bytes"):
            patch.setattr(Path, name, dying(getattr(Path, name)))
        try:
            run(clips, out, shard_bytes=shard_bytes)
        except Kill:
            return True
    return False


def test_whole_process_killed_at_random_moments(clips, tmp_path):
    script = [sys.executable, "-c", RUN, tmp_path / "source", tmp_path / "out", str(COUNT * 4), "2"]
    clips = fake_clips(tmp_path / "source", COUNT * 4)
    kills = 0
    for _ in range(3):
        process = subprocess.Popen(script, start_new_session=True, cwd=Path(__file__).parent)
        before = len(list(tmp_path.glob("out/*.tar")))
        end = time.monotonic() + 60
        while process.poll() is None and len(list(tmp_path.glob("out/*.tar"))) == before and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.03))  # noqa: S311
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills
    prepare(clips, tmp_path / "out", prepare_clip=prepare_fake_slowly, shard_bytes=SHARD_BYTES, card=False)
    prepare(clips, tmp_path / "whole", prepare_clip=prepare_fake_slowly, shard_bytes=SHARD_BYTES, card=False)
    assert everything_in(tmp_path / "out") == everything_in(tmp_path / "whole")


def test_deleted_shard_is_made_of_its_clips_alone(clips, whole, tmp_path):
    out = tmp_path / "whole"
    index = read_index(out)
    name = index.shards[1].name
    (out / name).unlink()
    made = []
    run(clips, out, engine=Watching(made))
    assert made == [sample.key for sample in index.samples if sample.shard == name]
    assert everything_in(out) == whole


class Watching:
    """This process, and a list of what it was given."""

    def __init__(self, made):
        self.made = made

    @contextmanager
    def run(self, clips, task):
        self.made += [clip.key for clip in clips]
        yield (task.prepare(clip, task.settings, task.work) for clip in clips)


def prepare_marked(clip, settings, work):
    """Clips 20 to 29 have the fingerprints of clips 10 to 19."""
    key = prepare_fake(clip, settings, work)
    path = joining.record_path(work, key)
    record = joining.Record.model_validate_json(path.read_bytes())
    number = int(key[1:])
    mark = str(number - 10 if 20 <= number < 30 else number)
    path.write_bytes(record.model_copy(update={"fingerprint": mark}).model_dump_json().encode())
    return key


class SameMark:
    """Stands for the finder of duplicates: equal fingerprints."""

    def __init__(self):
        self.seen = {}

    def find(self, key, fingerprint):
        earlier = self.seen.setdefault(fingerprint, key)
        return None if earlier == key else earlier


def test_duplicates_are_dropped_whatever_ran_first(clips, tmp_path, monkeypatch):
    monkeypatch.setattr(joining, "DuplicateFinder", SameMark)
    report = run(clips, tmp_path / "one", prepare_clip=prepare_marked)
    pairs = {clip.key: clip.detail for clip in report.dropped if clip.reason == "duplicate"}
    both = [n for n in range(20, 30) if n % 7 != 6 and (n - 10) % 7 != 6]
    assert pairs == {f"c{n:06d}": f"repeats c{n - 10:06d}" for n in both}
    assert next(clip for clip in report.dropped if clip.reason == "duplicate").source == f"v{both[0]:06d}.mp4"
    run(clips, tmp_path / "other", prepare_clip=prepare_marked, engine=AnyOrder(3))
    assert everything_in(tmp_path / "other") == everything_in(tmp_path / "one")


def test_duplicates_are_known_after_an_interruption(clips, tmp_path, monkeypatch):
    monkeypatch.setattr(joining, "DuplicateFinder", SameMark)
    run(clips, tmp_path / "one", prepare_clip=prepare_marked)

    def stop(done, total):
        if done == 22:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(clips, tmp_path / "two", prepare_clip=prepare_marked, progress=stop)
    assert list((tmp_path / "two").glob("*.tar"))
    run(clips, tmp_path / "two", prepare_clip=prepare_marked)
    assert everything_in(tmp_path / "two") == everything_in(tmp_path / "one")


def test_memory_does_not_grow_with_the_shard(tmp_path):
    parts = []
    for number in range(24):
        parts.append(tmp_path / f"{number}.tarpart")
        parts[-1].write_bytes(bytes(2**20 * 2))
    tracemalloc.start()
    shard = write_shard(tmp_path / "shard.tar", parts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shard.bytes == 24 * 2**21 + 1024
    assert peak < 5 * 2**20


def test_many_clips_take_no_quadratic_time(tmp_path):
    """20,000 clips are planned and refused; with a look at all keys for each key this would take minutes."""
    clip = fake_clips(tmp_path / "source", 1)[0]
    clips = [replace(clip, key=f"c{number}") for number in range(20_000)]
    with pytest.raises(OrateError, match="same key, c19999"):
        run([*clips, clips[-1]], tmp_path / "out")
    with pytest.raises(Kill):
        run(clips, tmp_path / "out", engine=Refusing())
    assert len((tmp_path / "out" / ".prepare" / PLAN_NAME).read_text().splitlines()) == 20_001


class Refusing:
    def run(self, clips, task):
        raise Kill


def test_source_that_changed_between_two_runs(clips, whole, tmp_path):
    video = clips[3].video
    date = video.stat().st_mtime
    os.utime(video, (date, date + 100))
    with pytest.raises(OrateError, match=rf"^1 source files have another size or date .* for one {video}: "):
        run(clips, tmp_path / "whole")
    os.utime(video, (date, date))
    run(clips, tmp_path / "whole")
    video.write_bytes(b"longer than before")
    os.utime(video, (date, date))
    with pytest.raises(OrateError, match="another size or date"):
        run(clips, tmp_path / "whole")


def test_folder_of_sources_may_move(clips, whole, tmp_path):
    (tmp_path / "source").rename(tmp_path / "elsewhere")
    moved = [replace(clip, video=tmp_path / "elsewhere" / clip.video.name) for clip in clips]
    run(moved, tmp_path / "whole", engine=Refusing())
    assert everything_in(tmp_path / "whole") == whole


def test_vanished_source_is_left_to_the_worker(clips, tmp_path):
    clips[0].video.unlink()
    assert run(clips, tmp_path / "out").summary()["clips"] == COUNT
    clips[1].video.unlink()
    with pytest.raises(OrateError, match=f"1 source files have another size or date .* {clips[1].video}"):
        run(clips, tmp_path / "out")


@pytest.mark.parametrize("key", ["a.b", "a/b", "", "x" * 95])
def test_keys_that_cannot_be_names(key, clips, tmp_path):
    with pytest.raises(OrateError, match="rename"):
        run([replace(clips[0], key=key)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folder_of_an_earlier_release(clips, tmp_path):
    state = tmp_path / "out" / ".prepare"
    state.mkdir(parents=True)
    (state / "plan.json").write_text("{}")
    with pytest.raises(OrateError, match="earlier release"):
        run(clips, tmp_path / "out")


def test_two_preparations_of_one_folder(clips, tmp_path, monkeypatch):
    monkeypatch.setattr("orate.corpora.prepare.LOCK_WAIT_S", 0.1)

    def second(done, total):
        with pytest.raises(OrateError, match="by another process"):
            run(clips, tmp_path / "out")

    run(clips[:2], tmp_path / "out", progress=second)


def test_engine_that_loses_clips(clips, tmp_path):
    class Losing:
        @contextmanager
        def run(self, clips, task):
            yield (task.prepare(clip, task.settings, task.work) for clip in clips[:-2])

    with pytest.raises(OrateError, match="2 clips were not prepared, for one c000038"):
        run(clips, tmp_path / "out", engine=Losing())
    assert not (tmp_path / "out" / "index.json").exists()


def test_damaged_records_have_a_sentence(clips, whole, tmp_path):
    out = tmp_path / "whole"
    (out / ".prepare" / "shard-000001.json").write_text("{")
    with pytest.raises(OrateError, match=r"shard-000001.json cannot be read: delete it"):
        run(clips, out)
    (out / ".prepare" / "shard-000001.json").unlink()
    run(clips, out)
    assert everything_in(out) == whole
    (out / ".prepare" / PLAN_NAME).write_text("{")
    with pytest.raises(OrateError, match=r"plan\.jsonl cannot be read"):
        run(clips, out)
