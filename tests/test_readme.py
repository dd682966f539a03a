"""The README's commands and Python blocks are executed, in their order, on small inputs."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from typing import NamedTuple

import pytest
import soundfile
from PIL import Image

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FENCE = re.compile(r"(?:<!-- not run: (?P<reason>.+?) -->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.M | re.S)
SET_UP = ("make", "pip", "git", "cd")  # not the README's own subject; .ci/run does these
SPEECH_S = 0.8
CLIP_FRAMES = 25
TIMEOUT_S = 300
# Appended to a README line so that it takes seconds: command -> options.
SHORTEN: dict[str, list[str]] = {
    "prepare": ["--workers", "1"],
    "train": [
        *("--steps", "2", "--set", "data.batch_size=1", "--set", f"data.clip_frames={CLIP_FRAMES - 5}"),
        *("--set", "losses.pixels_from=0", "--set", "losses.adversarial_from=1", "--set", "run.sample_every=2"),
        *("--device", "cpu"),
    ],
    "evaluate": ["--limit", "1", "--device", "cpu"],
}
# Left out while they are not there.
COMMAND_MODULES = {name: f"orate.cli.{name.replace('-', '_')}" for name in ("train", "evaluate")}

needs_animator = pytest.mark.skipif(find_spec("orate.animator") is None, reason="the Animator is not written yet")


class Block(NamedTuple):
    """A fenced block of the README."""

    language: str
    code: str
    reason_not_run: str | None


def blocks(language: str) -> list[Block]:
    found = [Block(m["language"], m["code"], m["reason"]) for m in FENCE.finditer(README)]
    assert README.count("```") == 2 * len(found), "a fence of the README has no language, or is not closed"
    return [block for block in found if block.language == language]


def commands() -> Iterator[list[str]]:
    """The command lines to execute; anything that is neither `orate` nor set-up is an error."""
    for block in blocks("bash"):
        for line in block.code.splitlines():
            words = shlex.split(line, comments=True)
            if not words or words[0] in SET_UP or block.reason_not_run:
                continue
            assert words[0] == "orate", f"this test does not know how to run: {line}"
            yield words


def write_grid(folder: Path) -> None:
    """A corpus of the layout of GRID: the portrait says two parts of the example's speech."""
    from orate import Animator

    photo, sound = folder / "photo.png", folder / "sound.wav"
    (folder / "s1").mkdir(parents=True)
    Image.open(ROOT / "examples" / "portrait.jpg").convert("RGB").resize((256, 256)).save(photo)
    samples, rate = soundfile.read(ROOT / "examples" / "speech.wav", dtype="int16")
    length = CLIP_FRAMES * rate // 25
    animator = Animator.from_pretrained()
    for number, name in enumerate(("bbaf2n", "lgwp4s")):
        soundfile.write(sound, samples[number * length : (number + 1) * length], rate)
        animator.animate(photo, sound, folder / "s1" / f"{name}.mp4", seed=number)
    photo.unlink()
    sound.unlink()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's reader has before them: the examples (the speech cut short) and a corpus."""
    place = tmp_path_factory.mktemp("readme")
    (place / "examples").mkdir()
    portrait = (ROOT / "examples" / "portrait.jpg").read_bytes()
    (place / "examples" / "portrait.jpg").write_bytes(portrait)
    copytree(ROOT / "examples" / "portraits", place / "examples" / "portraits")
    samples, rate = soundfile.read(ROOT / "examples" / "speech.wav", dtype="int16")
    soundfile.write(place / "examples" / "speech.wav", samples[: int(SPEECH_S * rate)], rate)
    write_grid(place / "grid")
    return place


def run(program: list[str], folder: Path) -> None:
    path = os.pathsep.join([str(ROOT / "src"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    environment = {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep), "ORATE_DEBUG": "1"}
    done = subprocess.run(
        [sys.executable, *program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, f"{program}\n{done.stdout}\n{done.stderr}"


@needs_animator
def test_every_command_line_runs(folder: Path) -> None:
    for words in commands():
        module = COMMAND_MODULES.get(words[1])
        if module and find_spec(module) is None:
            continue
        run(["-c", "from orate.cli.main import main; main()", *words[1:], *SHORTEN.get(words[1], [])], folder)
        for option, value in pairwise(words):
            assert option != "-o" or (folder / value).exists(), f"{words} wrote no {value}"


@needs_animator
def test_every_python_block_runs(folder: Path) -> None:
    found = blocks("python")
    assert found
    for block in found:
        run(["-c", block.code], folder)


def test_what_is_not_run_says_why_and_names_real_commands() -> None:
    from orate.cli.main import LAZY_COMMANDS

    for block in blocks("bash"):
        names = {shlex.split(line)[1] for line in block.code.splitlines() if line.startswith("orate ")}
        assert names <= {"animate", *LAZY_COMMANDS}
        assert block.reason_not_run is None or len(block.reason_not_run) > 10


def test_links_to_files_exist() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target
