"""A batch that is killed again and again ends as one that nobody disturbed."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from orate.animator.batch.rows import STATE_FOLDER

KILLS = 20
ROWS = 60
LONGEST_S = 0.25  # from the first new sign of work to the kill: about five rows
PATIENCE_S = 60


def begin(manifest: Path, out: Path) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("stand_in.py")
    return subprocess.Popen([sys.executable, script, manifest, out, "2"], start_new_session=True)


def half_done(out: Path) -> set[str]:
    work = out / STATE_FOLDER / "work"
    return {path.name for path in work.iterdir()} if work.is_dir() else set()


def videos(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and STATE_FOLDER not in path.parts and path.name != "report.csv"
    }


def report(out: Path) -> list[dict[str, str]]:
    with (out / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row | {"seconds": "", "error": row["error"].replace(str(out), "DIR")} for row in rows]


def test_killed_at_twenty_random_moments_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("a")
    lines = ["photo,audio,seed,output"]
    for number in range(ROWS):
        (tmp_path / f"{number}.wav").write_text("wrong" if number == 7 else str(number))
        lines.append(f"a.jpg,{number}.wav,{number},{'deep/er/' if number % 3 else ''}{number}.mp4")
    manifest = tmp_path / "list.csv"
    manifest.write_text("\n".join(lines))
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    assert begin(manifest, calm).wait(PATIENCE_S) == 0
    assert len(videos(calm)) == ROWS - 1

    chance, interrupted = random.Random(7), 0  # noqa: S311
    for kill in range(KILLS):
        known = half_done(shaken)
        process = begin(manifest, shaken)
        end = time.monotonic() + PATIENCE_S
        while not half_done(shaken) - known and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, LONGEST_S))
        interrupted += process.poll() is None
        # by turns the command alone, whose processes must then go by themselves, and all of them
        process.kill() if kill % 2 else os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        whole = videos(calm)
        assert all(whole[name] == made for name, made in videos(shaken).items()), "half-done videos have no name"
    assert interrupted >= KILLS // 2, "the kills came while it worked"
    assert begin(manifest, shaken).wait(PATIENCE_S) == 0
    assert videos(shaken) == videos(calm)
    assert report(shaken) == report(calm)
    assert not half_done(shaken)
