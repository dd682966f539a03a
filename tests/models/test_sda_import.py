"""The importer of the authors' checkpoints: same computation, and no code of the file runs."""

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sda_reference import authors_frames, random_checkpoint

from orate.cli.import_sda import import_sda
from orate.errors import OrateError
from orate.models.checkpoint import load_model
from orate.models.sda import STABLE_68, load_sda

SMALL = {"maps": 4, "sound_maps": 2, "codes": (6, 7, 8, 3)}


def compare(checkpoint, folder, frames=3):
    file = folder / "theirs.dat"
    torch.save(checkpoint, file)
    import_sda(file, folder / "ours")
    ours = load_model(folder / "ours")
    random = torch.Generator().manual_seed(1)
    image = torch.rand(3, *checkpoint["img_size"], generator=random) * 2 - 1
    windows = torch.randn(frames, checkpoint["audio_feat_samples"], generator=random)
    size = checkpoint["aux_latent"]
    noise = torch.randn(frames, size, generator=random) if size else None
    expected = authors_frames(checkpoint, image, windows, noise)
    assert expected.std() > 0.05  # the comparison sees something
    with torch.no_grad():
        video = ours(image[None], windows[None], noise[None] if size else None)[0]
    assert (video - expected).abs().max() < 1e-4
    return ours


def test_full_size_checkpoint_gives_the_authors_frames(tmp_path):
    checkpoint = random_checkpoint()
    generator = compare(checkpoint, tmp_path, frames=2)
    assert sum(parameter.numel() for parameter in generator.parameters()) == 55_276_292
    assert generator.config.audio_rate == 50_000
    assert generator.config.image_size == (128, 96)
    assert generator.config.fps == 25
    assert np.allclose(generator.config.mean_points, checkpoint["mean_face"][list(STABLE_68)])


@pytest.mark.parametrize(
    "change",
    [
        {"rate": 16_000},
        # 8820 samples in strides of 44.1 leave 199 values, a prime: no further strides.
        {"rate": 44_100, "sound_strides": ()},
        {"image": (64, 64)},
        {"image": (128, 96)},
        {"sequential": False},
        {"codes": (6, 7, 8, 0)},
    ],
    ids=str,
)
def test_other_sizes_give_the_authors_frames(tmp_path, change):
    compare(random_checkpoint(**(SMALL | change)), tmp_path)


def test_old_file_format_and_names_of_numpy_1(tmp_path):
    checkpoint = random_checkpoint(**SMALL)
    checkpoint["video_rate"] = np.float64(25)
    checkpoint["img_size"] = torch.tensor(checkpoint["img_size"])
    file = tmp_path / "old.dat"
    torch.save(checkpoint, file, _use_new_zipfile_serialization=False)
    content = file.read_bytes()
    assert b"numpy._core.multiarray" in content
    file.write_bytes(content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))
    assert np.allclose(load_sda(file).config.mean_points, checkpoint["mean_face"][list(STABLE_68)])


def test_mean_face_may_be_a_tensor_or_flat(tmp_path):
    checkpoint = random_checkpoint(**SMALL)
    points = checkpoint["mean_face"]
    for other in (torch.tensor(points), points.reshape(1, 136).astype(np.float32)):
        torch.save(checkpoint | {"mean_face": other}, tmp_path / "a.dat")
        assert np.allclose(load_sda(tmp_path / "a.dat").config.mean_points, points[list(STABLE_68)])


class Malicious:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("form", ["zip", "legacy", "bare"])
def test_no_code_in_the_file_runs(tmp_path, form):
    trace = tmp_path / "ran"
    content = random_checkpoint(**SMALL) | {"mean_face": Malicious(f"touch {trace}")}
    file = tmp_path / "evil.dat"
    if form == "bare":
        file.write_bytes(pickle.dumps(Malicious(f"touch {trace}")))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(OrateError, match=r"evil\.dat was refused"):
        import_sda(file, tmp_path / "out")
    assert not trace.exists()
    assert not (tmp_path / "out").exists()


def damaged(part, name, value):
    checkpoint = random_checkpoint(**SMALL)
    target = checkpoint[part] if part else checkpoint
    if value is None:
        del target[name]
    else:
        target[name] = value
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("", "encoder_id", None, "encoder_id missing"),
        ("", "aux_latent", None, "aux_latent missing"),
        ("encoder", "rnn.bias_hh_l1", None, "encoder has no rnn.bias_hh_l1"),
        ("encoder_id", "cl.0.0.weight", None, "encoder_id has no cl.0.0.weight"),
        ("generator", "dcl.9.weight", torch.zeros(3), "generator dcl.9.weight is unknown"),
        ("generator", "dcl.1.dcl2.weight", torch.zeros(3, 4), r"dcl.1.dcl2.weight of generator is \(3, 4\) instead"),
        ("", "encoder", [1, 2], "encoder is not a state dict"),
        ("", "mean_face", np.zeros((5, 2)), "10 values instead of 68 points"),
        ("", "audio_feat_samples", 77, "audio_feat_samples is 77"),
        ("", "video_rate", "fast", "video_rate is not a number"),
        ("", "video_rate", -1, "fps"),
        ("", "img_size", (100, 96), "power of two"),
    ],
)
def test_checkpoints_with_other_entries_are_refused(tmp_path, part, name, value, message):
    file = tmp_path / "theirs.dat"
    file.write_bytes(damaged(part, name, value))
    with pytest.raises(OrateError, match=message) as caught:
        load_sda(file)
    assert "\n" not in str(caught.value)
    assert "theirs.dat" in str(caught.value)


def test_other_files_are_refused(tmp_path):
    file = tmp_path / "theirs.dat"
    whole = damaged("", "aux_latent", 3)
    for content in (b"", b"hello", b"version https://git-lfs.github.com/spec/v1\n", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(OrateError, match=r"theirs\.dat") as caught:
            load_sda(file)
        assert "\n" not in str(caught.value)
    torch.save([1, 2], file)
    with pytest.raises(OrateError, match="holds no dict"):
        load_sda(file)
    with pytest.raises(OrateError, match="There is no file"):
        load_sda(Path("nowhere.dat"))
