import math

import pytest
import torch

from orate.errors import OrateError
from orate.models.generator import Generator
from orate.training.ema import MovingAverage
from orate.training.state import load_state, save_state, seeded


def same(first, second) -> bool:
    if isinstance(first, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and first == second


def test_optimisers_go_on_bit_for_bit(tmp_path):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 1))
    optimiser = torch.optim.Adam(network.parameters(), 1e-2, (0.5, 0.999))
    data = torch.randn(8, 3)

    def learn():
        for _ in range(3):
            optimiser.zero_grad()
            network(data).square().mean().backward()
            optimiser.step()

    learn()
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": 3}
    save_state(tmp_path / "state.safetensors", state)
    loaded = load_state(tmp_path / "state.safetensors")
    assert same(loaded["network"], dict(network.state_dict()))
    assert loaded["step"] == 3
    learn()
    expected = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(loaded["network"])
    optimiser.load_state_dict(loaded["optimiser"])
    learn()
    assert same(dict(network.state_dict()), expected)
    assert [file.name for file in tmp_path.iterdir()] == ["state.safetensors"]


def test_every_kind_of_value_comes_back(tmp_path):
    shared = torch.arange(4)
    state = {
        "half": torch.tensor([0.1, -3], dtype=torch.float16),
        "narrow": torch.tensor([[1.5]], dtype=torch.bfloat16),
        "slices": [shared[::2], shared[1:], torch.tensor(7), torch.zeros(0, 3)],
        "numbers": {0: 1, 3: [0.1 + 0.2, 1e300, True, None, "text"]},
        "empty": {},
        "a/b": {"c": torch.ones(1)},
        "a": {"b/c": torch.zeros(1)},
    }
    save_state(tmp_path / "state", state)
    assert same(load_state(tmp_path / "state"), state)


def damaged_states(good: bytes):
    yield "truncated", good[: len(good) // 2]
    yield "cut header", good[:20]
    yield "empty", b""
    yield "other", b"\x89PNG\r\n" + bytes(200)
    yield "spoilt header", good.replace(b"skeleton", b"skeletoX", 1)
    yield "spoilt skeleton", good.replace(b"@pairs", b"@pairz", 1)


def test_damaged_files_are_told_in_a_sentence(tmp_path):
    path = tmp_path / "state.safetensors"
    save_state(path, {"weights": torch.randn(100), "step": 3})
    good = path.read_bytes()
    for kind, data in damaged_states(good):
        assert data != good, kind
        path.write_bytes(data)
        with pytest.raises(OrateError, match="cannot be read") as raised:
            load_state(path)
        assert str(path) in str(raised.value), kind
        assert "\n" not in str(raised.value), kind


def test_a_failed_write_leaves_the_old_state(tmp_path, monkeypatch):
    path = tmp_path / "state.safetensors"
    save_state(path, {"step": 3, "weights": torch.ones(2)})

    def fail(tensors, file, metadata):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orate.training.state.save_file", fail)
    with pytest.raises(OSError, match="No space"):
        save_state(path, {"step": 4})
    assert load_state(path)["step"] == 3
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_seeds():
    def draw(*numbers):
        return tuple(torch.rand(4, generator=seeded(*numbers)).tolist())

    assert draw(1, 2, 3) == draw(1, 2, 3)
    several = [draw(*numbers) for numbers in ((0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1), (0, 0, 1), (0, 10**9, 3))]
    assert len(set(several)) == len(several)


@pytest.fixture
def networks(shrunk):
    torch.manual_seed(0)
    generator = Generator(shrunk().model)
    return generator, MovingAverage(generator, 0.9)


def test_the_average_moves_as_its_formula_says(networks):
    generator, average = networks
    start = {name: value.clone() for name, value in generator.named_parameters()}
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(1.0)
    average.update(generator, step=10_000)
    for name, value in average.generator.named_parameters():
        assert torch.allclose(value, start[name] + 0.1, atol=1e-6)
    average.update(generator, step=0)  # the first steps forget faster: decay 1 / 10
    for name, value in average.generator.named_parameters():
        assert torch.allclose(value, start[name] + 1 - 0.9 * 0.1, atol=1e-6)


def test_the_average_copies_statistics_and_learns_nothing_itself(networks):
    generator, average = networks
    for buffer in generator.buffers():
        buffer.fill_(3)
    average.update(generator, 5)
    assert all(torch.equal(buffer, torch.full_like(buffer, 3)) for buffer in average.generator.buffers())
    assert not average.generator.training
    assert not any(parameter.requires_grad for parameter in average.generator.parameters())
    assert generator.training
    assert all(parameter.requires_grad for parameter in generator.parameters())


def test_steps_alike_converge(networks):
    generator, average = networks
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(-1)
    for step in range(200):
        average.update(generator, step)
    pairs = zip(generator.parameters(), average.generator.parameters(), strict=True)
    assert all(torch.allclose(mine, theirs, atol=1e-4) for mine, theirs in pairs)
    assert math.isclose(average.decay, 0.9)
