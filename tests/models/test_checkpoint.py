"""Saving and loading: what comes back is what went in, and each way it can go wrong has its sentence."""

import json
import subprocess

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from orate.errors import OrateError
from orate.models import checkpoint
from orate.models.checkpoint import load_model, read_metadata, save_model
from orate.models.config import ModelConfig
from orate.models.generator import Generator

CONFIG = ModelConfig(base_channels=2, audio_channels=2, audio_rate=16_000)


@pytest.fixture
def generator():
    torch.manual_seed(0)
    generator = Generator(CONFIG).eval()
    for name, value in generator.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(1e-9, 1e6)  # fp16 holds neither end
    return generator


@pytest.fixture
def folder(generator, tmp_path):
    save_model(generator, tmp_path / "model", metadata={"steps": 12, "data": "GRID"})
    return tmp_path / "model"


def weights_of(generator):
    return {name: value for name, value in generator.state_dict().items() if "num_batches" not in name}


def test_full_precision_comes_back_bit_for_bit(generator, tmp_path):
    save_model(generator, tmp_path / "deep" / "model", half=False)
    loaded = load_model(tmp_path / "deep" / "model")
    assert not loaded.training
    assert loaded.config == CONFIG
    expected = weights_of(generator)
    assert weights_of(loaded).keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in weights_of(loaded).items())
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_half_precision_keeps_the_statistics(generator, folder):
    expected = weights_of(generator)
    for name, value in weights_of(load_model(folder)).items():
        assert value.dtype == torch.float32
        assert torch.equal(value, expected[name] if "running" in name else expected[name].half().float())
    stored = load_file(folder / "model.safetensors")
    assert stored["frame_decoder.start.weight"].dtype == torch.float16
    assert not any(name.endswith("num_batches_tracked") for name in stored)


def test_loaded_model_can_be_trained_on(folder):
    generator = load_model(folder).train()
    video = generator(torch.zeros(2, 3, 128, 96), torch.zeros(2, 2, CONFIG.window_samples))
    video.mean().backward()
    assert generator.frame_decoder.start.weight.grad is not None


def test_header_and_sums(folder):
    assert read_metadata(folder) == {"format": "orate", "format_version": "1", "steps": "12", "data": "GRID"}
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        assert file.metadata()["format_version"] == "1"
    subprocess.run(["sha256sum", "--check", "--status", "SHA256SUMS"], cwd=folder, check=True)  # noqa: S607


def test_saving_again_keeps_other_files_and_leaves_nothing_behind(generator, folder):
    (folder / "README.md").write_text("card")
    save_model(generator, folder, half=False)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "SHA256SUMS",
        "config.json",
        "model.safetensors",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    load_model(folder)


def test_failed_saving_leaves_nothing(generator, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(checkpoint, "save", fail)
    with pytest.raises(OSError, match="no space"):
        save_model(generator, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def refused(name, *words):
    with pytest.raises(OrateError) as caught:
        load_model(name)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_unknown_name_lists_what_is_bundled(tmp_path, monkeypatch, folder):
    monkeypatch.setattr(checkpoint, "_bundled_folder", lambda: folder.parent)
    refused("papr", "'papr'", "(model)")
    assert load_model("model").config == CONFIG


def test_existing_folder_wins_over_a_bundled_name(tmp_path, monkeypatch, folder):
    monkeypatch.setattr(checkpoint, "_bundled_folder", lambda: tmp_path / "elsewhere")
    monkeypatch.chdir(folder.parent)
    assert load_model("model").config == CONFIG


def test_missing_files(folder, tmp_path):
    refused(folder / "config.json", "is a file")
    (folder / "model.safetensors").unlink()
    refused(folder, "model.safetensors is missing")
    refused(tmp_path, "config.json is missing")


def test_lfs_pointer(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    refused(folder, "Git LFS pointer", "git lfs pull", "model.safetensors")


@pytest.mark.parametrize("keep", [0, 5, 1000, -1])
def test_truncated_weights(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    refused(folder, "truncated or not a safetensors file")


def test_changed_weights(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    refused(folder, "checksum", "SHA256SUMS")
    (folder / "SHA256SUMS").unlink()
    load_model(folder)


def change_config(folder, **changes):
    (folder / "SHA256SUMS").unlink()
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format_version": 2}, ["format version 2", "reads version 1"]),
        ({"format_version": None}, ["format version none"]),
        ({"colour": 3}, ["colour", "Extra inputs"]),
        ({"image_height": 100}, ["power of two"]),
        ({"fps": "fast"}, ["fps"]),
        ({"base_channels": 3}, ["do not fit config.json", "instead of", "more differences"]),
        ({"sequential_noise": False}, ["do not fit config.json", "noise_generator", "is unknown"]),
    ],
)
def test_configs_that_do_not_fit(folder, changes, words):
    change_config(folder, **changes)
    refused(folder, *words)


def test_config_that_is_no_json(folder):
    for text in ("{", "[]"):
        (folder / "config.json").write_text(text)
        refused(folder, "config.json", "JSON")


def test_weights_without_a_version_or_an_entry(folder):
    (folder / "SHA256SUMS").unlink()
    path = folder / "model.safetensors"
    weights = load_file(path)
    save_file(weights, path)
    refused(folder, "format version none")
    del weights["frame_decoder.to_rgb.weight"]
    save_file(weights, path, {"format_version": "1"})
    refused(folder, "frame_decoder.to_rgb.weight is missing")


def test_hub_id(folder, monkeypatch):
    asked = []

    def download(repo, *, revision, allow_patterns):
        asked.append((repo, revision, sorted(allow_patterns)))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    load_model("someone/talks")
    load_model("someone/talks@v1.2")
    files = ["SHA256SUMS", "config.json", "model.safetensors"]
    assert asked == [("someone/talks", None, files), ("someone/talks", "v1.2", files)]


def test_hub_that_cannot_be_reached(monkeypatch):
    def download(*_, **__):
        raise LocalEntryNotFoundError("offline\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    refused("someone/talks@main", "someone/talks@main", "Hugging Face Hub", "offline")
