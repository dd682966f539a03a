"""`orate ablate` on synthetic clips of a few pixels."""

import json

import pytest
import torch
from safetensors.torch import load_file
from synthetic_corpus import SHRINK, speaking_clip, write_corpus

from orate.cli.main import main
from orate.errors import OrateError
from orate.evaluation.ablation import CRITICS, NAMES, ROWS, AblationPlan
from orate.evaluation.ablation_report import ablation_table
from orate.evaluation.instruments import Instruments
from orate.evaluation.paper_figures import ABLATION


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    clips = [speaking_clip(f"s1_{seed}", seed) for seed in range(4)]
    clips += [speaking_clip(f"s1_{seed}", seed, split="validation") for seed in (4, 5)]
    return write_corpus(tmp_path_factory.mktemp("ablation") / "shards", clips)


@pytest.fixture(autouse=True)
def no_instruments(monkeypatch):
    monkeypatch.setattr("orate.evaluation.instruments.load_instruments", lambda: Instruments(missing=("No reader.",)))


def run(shards, output, *more):
    chosen = [word for one in SHRINK if not one.startswith("losses.") for word in ("--set", one)]
    given = ["--data", shards, "-o", output, "--steps", "5", "--clips", "2", "--device", "cpu", "-q", *chosen, *more]
    with pytest.raises(SystemExit) as ended:
        main(["ablate", *map(str, given)])
    return ended.value.code


def test_rows_leave_out_what_they_say(tmp_path):
    plan = AblationPlan((tmp_path,), 250)
    assert set(ROWS) == set(NAMES) == set(ABLATION)
    full = plan.config("full").losses
    assert plan.listening_steps == 50
    for row in ROWS:
        config = plan.config(row)
        gone = {"full": (), "no-adversarial": CRITICS}.get(row, (row.removeprefix("no-"),))
        assert config.losses == full.model_copy(update=dict.fromkeys(gone, 0.0))
        assert (config.run.steps, config.losses.pixels_from, config.losses.adversarial_from) == (200, 0, 0)
        assert (config.model, config.optimiser) == (plan.config("full").model, plan.config("full").optimiser)
    listening = plan.config("listening")
    assert (listening.run.steps, listening.losses.pixels_from) == (50, 50)


def test_settings_reach_every_row(tmp_path):
    plan = AblationPlan((tmp_path,), 100, ("data.batch_size=3",))
    assert {plan.config(row).data.batch_size for row in (*ROWS, "listening")} == {3}
    with pytest.raises(OrateError, match=r"data\.batch"):
        AblationPlan((tmp_path,), 100, ("data.batch=3",)).config("full")


def test_rows_are_trained_measured_and_set_beside_the_papers(shards, tmp_path, capsys, monkeypatch):
    output = tmp_path / "ablation"
    rows = ["--row", "no-adversarial", "--row", "full"]
    assert run(shards, output, *rows) == 0
    printed = capsys.readouterr().out
    for told in ("full model", "without adversarial losses", "paper: full model", "27.100", "Not measured: No reader."):
        assert told in printed
    written = json.loads((output / "ablation.json").read_text())
    assert (written["steps"], written["listening_steps"]) == (5, 1)
    assert list(written["rows"]) == ["no-adversarial", "full"]
    assert written["rows"]["full"]["clips"] == 2
    assert written["rows"]["full"]["psnr"] > 3
    table = (output / "ablation.md").read_text()
    assert "without L1" not in table
    assert "(no model)" in table
    for row in ("no-adversarial", "full"):
        assert (output / row / "report" / "index.html").is_file()
    one, other = (load_file(output / row / "model" / "model.safetensors") for row in ("no-adversarial", "full"))
    assert any(not torch.equal(one[name], other[name]) for name in one)

    def trained_again(*_):
        pytest.fail("a trained row is trained again")

    monkeypatch.setattr("orate.evaluation.ablation.Trainer.fit", trained_again)
    assert run(shards, output, *rows) == 0
    assert json.loads((output / "ablation.json").read_text()) == written
    assert run(shards, output, "--set", "data.mirror=false") == 1
    assert "begun with another setting" in capsys.readouterr().err


def test_a_stopped_row_goes_on(shards, tmp_path, capsys, monkeypatch):
    from orate.training.trainer import Trainer

    output, fit = tmp_path / "ablation", Trainer.fit

    def stopped(self, progress=None):
        if self.folder.name == "full":
            self._stop_signal = 15
        return fit(self, progress)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "fit", stopped)
        assert run(shards, output, "--row", "full") == 128 + 15
    assert "goes on from there" in capsys.readouterr().err
    assert not (output / "ablation.json").exists()
    assert run(shards, output, "--row", "full") == 0
    whole = tmp_path / "whole"
    assert run(shards, whole, "--row", "full") == 0
    there, at_once = (load_file(folder / "full" / "model" / "model.safetensors") for folder in (output, whole))
    assert all(torch.equal(there[name], at_once[name]) for name in at_once)


def test_an_unknown_row_is_refused(shards, tmp_path, capsys):
    assert run(shards, tmp_path / "ablation", "--row", "no-luck") == 1
    assert "There is no row 'no-luck': choose from no-adversarial" in capsys.readouterr().err
    assert not (tmp_path / "ablation").exists()


def test_an_empty_table_is_no_table():
    with pytest.raises(IndexError):
        ablation_table({}, 5)
