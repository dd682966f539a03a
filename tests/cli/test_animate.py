"""What ``orate animate`` hands to the Animator, and what it prints. The networks are tested elsewhere."""

import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from orate import OrateError
from orate.animator.controls import Controls
from orate.cli import mark_options
from orate.cli.animate import NATURAL
from orate.cli.main import main
from orate.provenance.label import Corner, LabelStyle
from orate.provenance.marks import Marks


class FakeAnimator:
    """Remembers what it was asked for."""

    loaded: ClassVar[dict[str, Any]] = {}
    asked: ClassVar[dict[str, Any]] = {}
    error: ClassVar[Exception | None] = None

    @classmethod
    def from_pretrained(cls, model: str, *, device: str) -> "FakeAnimator":
        FakeAnimator.loaded = {"model": model, "device": device}
        return cls()

    def animate(self, photo: Path, audio: Path, output: Path, **options: Any) -> None:
        if FakeAnimator.error is not None:
            raise FakeAnimator.error
        FakeAnimator.asked = {"photo": photo, "audio": audio, "output": output, **options}
        progress = options["progress"]
        if progress is not None:
            for done in range(1, 51):
                progress(done, 50)


@pytest.fixture(autouse=True)
def animator(monkeypatch: pytest.MonkeyPatch) -> type[FakeAnimator]:
    module = ModuleType("orate.animator")
    module.Animator = FakeAnimator  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "orate.animator", module)
    monkeypatch.setattr(FakeAnimator, "error", None)
    monkeypatch.delenv("ORATE_DEBUG", raising=False)
    return FakeAnimator


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["animate", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_defaults(animator: type[FakeAnimator], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("me.jpg", "hello.wav", "-o", "out.mp4") == 0
    assert animator.loaded == {"model": "default", "device": "auto"}
    marks = animator.asked.pop("marks")
    assert marks.time is not None
    assert marks == Marks(time=marks.time), "all but the label"
    assert animator.asked == {
        "photo": Path("me.jpg"),
        "audio": Path("hello.wav"),
        "output": Path("out.mp4"),
        "seed": 0,
        "face": 1,
        "crop": False,
        "fps": 25.0,
        "progress": None,  # standard error is no terminal here
    }
    assert capsys.readouterr() == ("out.mp4\n", "")


def test_every_option_arrives(animator: type[FakeAnimator], capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--crop", "--seed", "7", "--device", "cpu", "--model", "./mine", "--face", "2", "--fps", "30", "--quiet"]
    assert run("me.jpg", "hello.wav", "--output", "out.mp4", *options) == 0
    assert animator.loaded == {"model": "./mine", "device": "cpu"}
    chosen = {name: animator.asked[name] for name in ("seed", "face", "crop", "fps")}
    assert chosen == {"seed": 7, "face": 2, "crop": True, "fps": 30.0}
    assert capsys.readouterr() == ("", "")


def test_controls_arrive_in_plain_units(animator: type[FakeAnimator]) -> None:
    options = ["--head-motion", "0.5", "--blink-rate", "0", "--mouth-strength", "1.2", "--brow-strength", "0"]
    options += ["--emotion", "happy", "--emotion-strength", "0.4", "--gaze", "viewer", "--keep-eyes-open"]
    options += ["--start-as-photo", "--end-as-photo", "--body", "follow"]
    assert run("me.jpg", "hello.wav", "-o", "out.mp4", *options) == 0
    assert {name: animator.asked[name] for name in NATURAL} == {
        "head_motion": 0.5,
        "blink_rate": 0.0,
        "mouth_strength": 1.2,
        "brow_strength": 0.0,
        "emotion": "happy",
        "emotion_strength": 0.4,
        "gaze": "viewer",
        "keep_eyes_open": True,
        "start_as_photo": True,
        "end_as_photo": True,
        "body": "follow",
    }


def test_the_commands_natural_movement_is_the_animators() -> None:
    assert {name: field.default for name, field in Controls.__dataclass_fields__.items()} == NATURAL


def test_a_terminal_sees_frames_rate_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    assert run("me.jpg", "hello.wav", "-o", "out.mp4") == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "50/50" in text
    assert "frames/s" in text
    assert re.search(r"\d:\d\d:\d\d", text)


def test_an_error_is_a_sentence_and_no_path_is_printed(
    animator: type[FakeAnimator], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(animator, "error", OrateError("there is no face in me.jpg."))
    assert run("me.jpg", "hello.wav", "-o", "out.mp4") == 1
    assert capsys.readouterr() == ("", "Error: there is no face in me.jpg.\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["me.jpg", "-o", "out.mp4"], "AUDIO"),
        (["me.jpg", "hello.wav"], "--output"),
        (["me.jpg", "hello.wav", "-o", "out.mp4", "--face", "0"], "--face"),
        (["me.jpg", "hello.wav", "-o", "out.mp4", "--seed", "-1"], "--seed"),
        (["me.jpg", "hello.wav", "-o", "out.mp4", "--fps", "0"], "--fps"),
        (["me.jpg", "hello.wav", "-o", "out.mp4", "--device", "tpu"], "--device"),
        (["me.jpg", "hello.wav", "-o", "out.mp4", "--head-motion", "2"], "--head-motion"),
        (["me.jpg", "hello.wav", "-o", "out.mp4", "--emotion", "bored"], "--emotion"),
        (["me.jpg", "hello.wav", "-o", "out.mp4", "--blink-rate", "-1"], "--blink-rate"),
    ],
)
def test_wrong_arguments_name_the_argument(
    arguments: list[str], told: str, animator: type[FakeAnimator], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert told in capsys.readouterr().err


def test_the_options_for_marks(
    animator: type[FakeAnimator], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    options = ["--consent", "Jane, written", "--certificate", "c.pem", "--private-key", "k.pem", "--no-watermark"]
    label = ["--label-text", "AI", "--label-corner", "bottom-left", "--label-seconds", "2"]
    assert run("me.jpg", "hello.wav", "-o", "out.mp4", *options, *label) == 0
    assert animator.asked["marks"] == Marks(
        watermark=False,
        label=LabelStyle("AI", Corner.BOTTOM_LEFT, 2.0),
        consent="Jane, written",
        time=datetime(1970, 1, 1, tzinfo=UTC),
        certificate=Path("c.pem"),
        private_key=Path("k.pem"),
    )
    out, err = capsys.readouterr()
    assert out == "out.mp4\n"
    assert err == "Note: made without watermark, for research.\n"


def test_every_mark_can_be_left_out(animator: type[FakeAnimator], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("me.jpg", "hello.wav", "-o", "out.mp4", "--no-metadata", "--no-credentials", "--label", "-q") == 0
    assert animator.asked["marks"].left_out == ("metadata", "credentials")
    assert animator.asked["marks"].label == LabelStyle()
    assert capsys.readouterr() == ("", "")


def test_corners_and_text_are_those_of_the_label() -> None:
    assert [corner.value for corner in mark_options.Corner] == [corner.value for corner in Corner]
    assert LabelStyle().text == mark_options.LABEL_TEXT
