"""`orate evaluate` on prepared clips of the portrait, and the report."""

import json

import numpy as np
import pytest
import torch
from synthetic_corpus import RATE, SyntheticClip, write_corpus

from orate.cli.main import main
from orate.evaluation.clip import FIGURES
from orate.evaluation.report import ClipFigures, as_json, summarise
from orate.models.checkpoint import save_model
from orate.models.config import ModelConfig
from orate.models.generator import Generator

GAPS_PX = (0, 3, 6, 8, 5, 2, 0, 4)


def speaking_portrait(key, open_mouth, **kind):
    frames = np.stack([open_mouth(gap) for gap in GAPS_PX])
    sound = 0.1 * np.sin(np.arange(len(frames) * RATE // 25) * 0.3)
    return SyntheticClip(key, frames, sound.astype(np.float32), np.zeros((len(frames), 478, 2), np.float32), **kind)


@pytest.fixture(scope="module")
def shards(open_mouth, tmp_path_factory):
    clips = [
        speaking_portrait("s1_a", open_mouth),  # of the training part: not to be measured
        speaking_portrait("s1_b", open_mouth, split="validation"),
        speaking_portrait("s2_a", open_mouth, split="validation", speaker="s2"),
        speaking_portrait("s1_c", open_mouth, split="validation"),
        speaking_portrait("s9_a", open_mouth, split="validation", speaker="s9", unseen=True),
    ]
    return write_corpus(tmp_path_factory.mktemp("portraits") / "shards", clips)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A random model that draws 128 x 96."""
    torch.manual_seed(0)
    config = ModelConfig(
        audio_rate=RATE, base_channels=2, audio_channels=2, audio_code=8, content_code=8, identity_code=8
    )
    folder = tmp_path_factory.mktemp("model") / "random"
    save_model(Generator(config).eval(), folder)
    return str(folder)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *map(str, arguments)])
    return ended.value.code


def strict(text):
    """JSON as every reader takes it: no NaN, no Infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_figures_by_group(model, shards, tmp_path, capsys):
    assert run(model, "--data", shards, "-o", tmp_path / "figures.json", "--device", "cpu", "-q") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    for word in ("s1", "s2", "unseen", "mouth_correlation", "psnr: dB", *FIGURES):
        assert word in printed.out
    assert "s9" not in printed.out
    report = strict((tmp_path / "figures.json").read_text())
    assert {name: group["clips"] for name, group in report["groups"].items()} == {"s1": 2, "s2": 1, "unseen": 1}
    assert [clip["key"] for clip in report["clips"]] == ["s1_b", "s2_a", "s1_c", "s9_a"]
    for clip in report["clips"]:
        assert set(clip["figures"]) == set(FIGURES)
        assert clip["figures"]["l1"] > 0.1  # weights at random draw grey
    s1 = [clip["figures"]["psnr"] for clip in report["clips"] if clip["group"] == "s1"]
    assert report["groups"]["s1"]["psnr"] == pytest.approx(np.mean(s1))
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_limit_spreads_over_the_corpus(model, shards, tmp_path):
    assert run(model, "--data", shards, "-o", tmp_path / "a.json", "--limit", "2", "-q") == 0
    report = strict((tmp_path / "a.json").read_text())
    assert [clip["key"] for clip in report["clips"]] == ["s1_b", "s1_c"]


def test_errors_are_one_sentence(model, shards, open_mouth, tmp_path, capsys):
    trained = write_corpus(tmp_path / "trained", [speaking_portrait("s1_a", open_mouth)])
    cases = [
        ([model, "--data", tmp_path], "holds no prepared data"),
        ([model, "--data", trained], "no validation clips"),
        (["nothing", "--data", shards], "there is no model 'nothing'"),
        ([model, "--data", shards, "-o", tmp_path / "missing" / "a.json"], "missing does not exist"),
        ([model, "--data", shards, "--device", "tpu"], "no device 'tpu'"),
    ]
    for arguments, told in cases:
        assert run(*arguments) == 1
        printed = capsys.readouterr()
        assert told.lower() in printed.err.lower()
        assert printed.err.startswith("Error: ")
        assert printed.err.count("\n") == 1
        assert printed.out == ""


def figures(**known):
    return {**dict.fromkeys(FIGURES, 0.5), **known}


def test_means_leave_out_what_is_not_known():
    nan = float("nan")
    clips = [
        ClipFigures("b", "s2", figures(psnr=30.0, mouth_correlation=nan)),
        ClipFigures("a", "s1", figures(psnr=20.0, mouth_correlation=nan)),
        ClipFigures("c", "s1", figures(psnr=float("inf"), mouth_correlation=0.8)),
    ]
    groups = summarise(clips)
    assert list(groups) == ["s1", "s2"]
    assert groups["s1"]["clips"] == 2
    assert groups["s1"]["mouth_correlation"] == 0.8
    assert groups["s1"]["ssim"] == 0.5
    assert np.isnan(groups["s2"]["mouth_correlation"])
    report = strict(json.dumps(as_json(clips)))
    assert report["groups"]["s2"]["mouth_correlation"] is None
    assert report["groups"]["s1"]["psnr"] is None
    assert [clip["key"] for clip in report["clips"]] == ["b", "a", "c"]
    assert report["clips"][1]["figures"]["mouth_correlation"] is None
