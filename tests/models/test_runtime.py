"""The runtime: the same frames however the sound is cut, whichever engine computes them."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from orate import openvino_core
from orate.errors import OrateError
from orate.models.config import ModelConfig
from orate.models.generator import Generator
from orate.models.runtime import Runtime

FRAMES = 11
HAS_BF16 = "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
SMALL = {"base_channels": 8, "audio_channels": 4, "audio_rate": 16_000}


def lively(config: ModelConfig) -> Generator:
    """A generator whose batch norms have seen data, so that its pictures have contrast."""
    torch.manual_seed(0)
    generator = Generator(config)
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 1.0
            nn.init.uniform_(module.bias, -0.3, 0.3)
            nn.init.uniform_(module.weight, 0.7, 1.3)
    nn.init.normal_(generator.frame_decoder.to_rgb.weight, 0, 0.1)
    with torch.no_grad():
        generator(torch.rand(2, 3, *config.image_size) * 2 - 1, torch.randn(2, 4, config.window_samples) * 0.2)
    return generator.eval()


def media(config: ModelConfig):
    random = np.random.default_rng(0)
    source = random.integers(0, 256, (*config.image_size, 3), np.uint8)
    return source, random.normal(0, 0.2, (FRAMES, config.window_samples)).astype(np.float32)


def eager(generator: Generator, source, windows, seed: int) -> np.ndarray:
    """What the network itself gives, in grey levels before rounding."""
    config = generator.config
    random = torch.Generator().manual_seed(seed)
    noise = torch.stack([torch.randn(config.noise_code, generator=random) for _ in windows]) * config.noise_std
    image = torch.from_numpy(source).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        video = generator(image, torch.from_numpy(windows)[None], noise[None])[0]
    return ((video + 1) * 127.5).permute(0, 2, 3, 1).numpy()


@pytest.fixture(scope="module")
def generator() -> Generator:
    return lively(ModelConfig(**SMALL))


def runtimes(generator: Generator):
    yield Runtime(generator, "torch")
    yield Runtime(generator, "openvino", precision="f32")
    yield Runtime(generator, "openvino", precision="f32", block=4)
    if HAS_BF16:
        yield Runtime(generator, "openvino", precision="bf16")


def test_every_engine_gives_the_networks_frames_however_the_sound_is_cut(generator):
    source, windows = media(generator.config)
    expected = eager(generator, source, windows, seed=3)
    assert expected.std() > 20
    for runtime in runtimes(generator):
        whole = runtime.session(source, seed=3).frames(windows)
        assert whole.shape == (FRAMES, 128, 96, 3)
        assert whole.dtype == np.uint8
        difference = np.abs(whole - expected)
        if runtime.engine.precision == "f32":
            assert difference.max() < 0.51  # rounding to whole levels, and nothing else
        else:
            assert np.abs(whole - expected.round()).mean() < 0.5
            assert difference.max() < 12
        for cuts in ((1, 2, 5, 10), (4,), (3, 3, 8), range(1, FRAMES)):
            session = runtime.session(source, seed=3)
            parts = [session.frames(part) for part in np.split(windows, cuts)]
            assert np.array_equal(np.concatenate(parts), whole)


def test_seed_decides_the_frames(generator):
    source, windows = media(generator.config)
    runtime = Runtime(generator)
    first, again, other = (runtime.session(source, seed).frames(windows) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_sessions_side_by_side_do_not_disturb_each_other(generator):
    source, windows = media(generator.config)
    runtime = Runtime(generator)
    alone = [runtime.session(image, 1).frames(windows) for image in (source, 255 - source)]
    sessions = [runtime.session(image, 1) for image in (source, 255 - source)]
    turns = [[session.frames(windows[k : k + 1]) for session in sessions] for k in range(FRAMES)]
    for index, expected in enumerate(alone):
        assert np.array_equal(np.concatenate([turn[index] for turn in turns]), expected)


@pytest.mark.parametrize("change", [{"noise_code": 0}, {"sequential_noise": False}, {"image_width": 128}], ids=str)
def test_models_of_other_forms(change):
    generator = lively(ModelConfig(**(SMALL | {"base_channels": 4} | change)))
    source, windows = media(generator.config)
    expected = eager(generator, source, windows, seed=0)
    for name in ("torch", "openvino"):
        drawn = Runtime(generator, name, precision="f32").session(source).frames(windows)
        assert np.abs(drawn - expected).max() < 0.51


def test_black_and_white_are_reached(generator):
    extreme = lively(ModelConfig(**SMALL))
    with torch.no_grad():
        extreme.frame_decoder.to_rgb.weight *= 100
    source, windows = media(extreme.config)
    for runtime in runtimes(extreme):
        drawn = runtime.session(source).frames(windows)
        assert drawn.min() == 0
        assert drawn.max() == 255


def test_generator_is_left_as_it_was(generator):
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    source, windows = media(generator.config)
    for runtime in runtimes(generator):
        runtime.session(source).frames(windows)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_no_windows_give_no_frames(generator):
    source, windows = media(generator.config)
    assert Runtime(generator).session(source).frames(windows[:0]).shape == (0, 128, 96, 3)


def test_wrong_requests_are_told(generator):
    source, windows = media(generator.config)
    runtime = Runtime(generator, "torch")
    with pytest.raises(OrateError, match="source crop must be"):
        runtime.session(source[:64])
    with pytest.raises(OrateError, match="source crop must be"):
        runtime.session(source.astype(np.float32))
    with pytest.raises(ValueError, match="windows must be"):
        runtime.session(source).frames(windows[:, :-1])
    with pytest.raises(OrateError, match="no engine 'magic'"):
        Runtime(generator, "magic")
    with pytest.raises(OrateError, match="no device 'abacus'"):
        Runtime(generator, device="abacus")
    if not torch.cuda.is_available():
        with pytest.raises(OrateError, match="PyTorch finds none"):
            Runtime(generator, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_agrees(generator):
    source, windows = media(generator.config)
    with pytest.raises(OrateError, match="runs on the CPU"):
        Runtime(generator, "openvino", device="cuda")
    drawn = Runtime(generator, device="cuda").session(source, 3).frames(windows)
    assert np.abs(drawn - eager(generator, source, windows, 3).round()).mean() < 0.5


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="signals of POSIX")
def test_signals_are_survived_after_engines_have_gone():
    script = (
        "import faulthandler, gc, os, signal\n"
        "faulthandler.enable()\n"
        "got = []\n"
        "signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))\n"
        "from orate.models.engines.speech_engine import speech_engine\n"
        "from orate.models.speech_encoder import load_speech_encoder\n"
        "encoder = load_speech_encoder()\n"
        "first, second = speech_engine(encoder, 'openvino'), speech_engine(encoder, 'openvino')\n"
        "del first; gc.collect()\n"
        "del second; gc.collect()\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
        "assert got == [signal.SIGUSR1]\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr)
