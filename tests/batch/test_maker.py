"""The videos of a batch are those that ``orate animate`` writes, and what rows share is made once."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_model import RATE, save_tiny_model

from orate import Animator, LabelStyle, Marks, OrateError
from orate.animator.batch.maker import AnimatorMaker
from orate.animator.batch.rows import Job
from orate.media.video import video_info
from orate.provenance.label import Corner

PHOTO = Path(__file__).parents[2] / "examples" / "portrait.jpg"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(RATE // 4) * 0.1), RATE)
    return path


def job(folder: Path, model: Path, sound: Path, **options: object) -> Job:
    return Job(1, PHOTO, sound, folder, "x.mp4", {"model": str(model), "device": "cpu", **options})  # type: ignore[dict-item]


def silent(done: int, total: int) -> None:
    """Nobody watches."""


def test_the_video_is_that_of_animate(
    model: Path, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000")
    made, alone = tmp_path / "made.mp4", tmp_path / "alone.mp4"
    options = {"seed": 5, "crop": True, "fps": 30.0, "consent": "Jane", "label_seconds": 1.0, "no_watermark": True}
    content_id = AnimatorMaker()(job(tmp_path, model, sound, **options), made, silent)
    from orate.provenance.statement import clock

    style = LabelStyle(seconds=1.0, corner=Corner.TOP_LEFT)
    marks = Marks(consent="Jane", label=style, watermark=False, time=clock())
    animator = Animator.from_pretrained(model, device="cpu")
    animator.animate(PHOTO, sound, alone, seed=5, crop=True, fps=30.0, marks=marks, one_thread=True)
    assert made.read_bytes() == alone.read_bytes()
    assert video_info(made).metadata["content_id"] == content_id


def test_model_and_photo_are_prepared_once(
    model: Path, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    load, prepare = Animator.from_pretrained, Animator.prepare
    monkeypatch.setattr(Animator, "from_pretrained", lambda *a, **k: asked.append("model") or load(*a, **k))
    monkeypatch.setattr(Animator, "prepare", lambda *a, **k: asked.append("photo") or prepare(*a, **k))
    maker = AnimatorMaker()
    for seed in range(3):
        maker(job(tmp_path, model, sound, seed=seed, crop=True), tmp_path / f"{seed}.mp4", silent)
    assert asked == ["model", "photo"]
    with pytest.raises(OrateError, match="Face 2 was asked for"):
        maker(job(tmp_path, model, sound, face=2), tmp_path / "x.mp4", silent)


def test_the_content_id_is_known_without_metadata(model: Path, sound: Path, tmp_path: Path) -> None:
    maker = AnimatorMaker()
    both = maker(job(tmp_path, model, sound, crop=True), tmp_path / "a.mp4", silent)
    assert maker(job(tmp_path, model, sound, crop=True, no_metadata=True), tmp_path / "b.mp4", silent) == both
    neither = job(tmp_path, model, sound, crop=True, no_metadata=True, no_credentials=True)
    assert maker(neither, tmp_path / "c.mp4", silent) == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label_corner": "middle"}, "label_corner must be one of top-left"),
        ({"device": "abacus"}, "no device 'abacus'"),
    ],
)
def test_options_that_no_column_can_check_are_one_sentence(
    model: Path, sound: Path, tmp_path: Path, options: dict[str, object], said: str
) -> None:
    with pytest.raises(OrateError, match=said):
        AnimatorMaker()(job(tmp_path, model, sound, **options), tmp_path / "x.mp4", silent)


def test_a_missing_photo_is_one_sentence(model: Path, sound: Path, tmp_path: Path) -> None:
    missing = Job(1, tmp_path / "a.jpg", sound, tmp_path, "x.mp4", {"model": str(model)})
    with pytest.raises(OrateError, match="There is no file"):
        AnimatorMaker()(missing, tmp_path / "x.mp4", silent)
