"""`orate train sync-network` and `lip-reader`, as the command line calls them."""

import pytest
import torch
from speaking_mouths import mouth_corpus

from orate.cli.train_measures import is_measure_recipe, train_measure
from orate.errors import OrateError
from orate.evaluation.sync_network import load_sync_network

SMALL = ["model.picture_channels=[2, 4, 4]", "model.sound_channels=[2, 4, 4]", "model.hidden=8", "run.batch_size=2"]


def test_recipes_of_measures_are_known_by_name_and_by_kind(tmp_path):
    assert is_measure_recipe("sync-network")
    assert is_measure_recipe("lip-reader")
    assert not is_measure_recipe("paper")
    (tmp_path / "mine.yaml").write_text("kind: lip-reader\nhide: 1\n", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("kind: motion\n", encoding="utf-8")
    assert is_measure_recipe(str(tmp_path / "mine.yaml"))
    assert not is_measure_recipe(str(tmp_path / "other.yaml"))
    assert not is_measure_recipe(str(tmp_path / "missing.yaml"))


def test_a_network_comes_out_and_the_run_goes_on(tmp_path, capsys):
    corpus, run = mouth_corpus(tmp_path, 3), tmp_path / "run"
    for steps in (1, 2):
        settings = [*SMALL, "clip_frames=50", f"run.steps={steps}"]
        assert train_measure("sync-network", [corpus], run, settings, "cpu", True) is None
    assert capsys.readouterr().out.split() == [str(run / "model")] * 2
    net = load_sync_network(run / "model")
    assert net.embed_pictures(torch.zeros(1, 1, 8, 40, 56)).shape == (1, 4, 128)
    assert sorted(path.name for path in run.iterdir()) == [
        "clips",
        "config.yaml",
        "curves.jsonl",
        "model",
        "state.safetensors",
    ]


def test_no_such_device_is_told(tmp_path):
    with pytest.raises(OrateError, match="device"):
        train_measure("sync-network", [mouth_corpus(tmp_path, 1)], tmp_path / "run", SMALL, "abacus", True)
