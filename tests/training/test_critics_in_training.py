import pytest
import torch

from orate.models.sync_discriminator import SYNC_FRAMES
from orate.training.critics import (
    SMALLEST_SHIFT_FRAMES,
    Views,
    build_critics,
    discriminator_loss,
    generator_loss,
    look,
)

BATCH = 64


def numbered(clip_time, drawn):
    """Frames and windows that hold their own time, in frames; the source image holds -1."""
    times = torch.arange(clip_time, dtype=torch.float32)
    windows = times[None, :, None].expand(BATCH, -1, 4)
    real = times[drawn][None, :, None, None, None].expand(BATCH, -1, 3, 4, 4)
    return torch.full((BATCH, 3, 4, 4), -1.0), real, windows


@pytest.mark.parametrize(
    ("clip_time", "drawn"), [(75, slice(0, 75)), (75, slice(60, 68)), (12, slice(2, 7)), (6, slice(0, 5))]
)
def test_what_the_critics_see_belongs_together(clip_time, drawn):
    views = look(*numbered(clip_time, drawn), drawn, torch.Generator().manual_seed(0))
    frames, window = views.sync_frames(views.real)[..., 0, 0, 0], views.sync_window()[:, 0]
    assert frames.shape == (BATCH, SYNC_FRAMES)
    assert torch.equal(frames.diff(dim=1), torch.ones(BATCH, SYNC_FRAMES - 1))
    assert torch.equal(frames[:, SYNC_FRAMES // 2], window)
    assert torch.equal(views.windows[..., 0], views.real[:, :, 0, 0, 0])
    away = (views.shifted[:, 0] - window).abs()
    assert away.min() >= SMALLEST_SHIFT_FRAMES
    starts = set((frames[:, 0] - drawn.start).int().tolist())
    possible = set(range(drawn.stop - drawn.start - SYNC_FRAMES + 1))
    assert starts <= possible
    assert len(starts) >= min(len(possible), 20)


def test_shifted_sound_comes_from_the_whole_clip():
    drawn = slice(20, 28)
    views = look(*numbered(75, drawn), drawn, torch.Generator().manual_seed(0))
    shifted = views.shifted[:, 0]
    assert shifted.min() < 10
    assert shifted.max() > 65
    assert len(set(shifted.tolist())) > 30


def test_views_depend_on_the_draws_alone():
    drawn = slice(2, 9)

    def draw(seed):
        views = look(*numbered(20, drawn), drawn, torch.Generator().manual_seed(seed))
        return torch.cat([views.sync_start, views.shifted[:, 0]])

    assert torch.equal(draw(3), draw(3))
    assert not torch.equal(draw(3), draw(4))


def test_a_weight_of_zero_removes_its_critic(shrunk):
    assert list(build_critics(shrunk("ablation/full"))) == ["frame", "sync", "sequence"]
    for name in ("frame", "sync", "sequence"):
        assert name not in build_critics(shrunk(f"ablation/no-{name}"))
    assert len(build_critics(shrunk("ablation/no-l1"))) == 3


class Recorder(torch.nn.Module):
    """Answers with given logits in turn, and keeps what it was shown."""

    def __init__(self, *answers):
        super().__init__()
        self.answers, self.shown = list(answers), []

    def forward(self, *shown):
        self.shown.append(shown)
        return torch.full((2,), float(self.answers.pop(0)))


@pytest.fixture
def views():
    random = torch.Generator().manual_seed(0)
    real, windows = torch.randn(2, 6, 3, 4, 4, generator=random), torch.randn(2, 6, 8, generator=random)
    return Views(real[:, 0], real, windows, torch.tensor([0, 1]), torch.randn(2, 8, generator=random))


def binary(logit, real):
    return torch.nn.functional.softplus(torch.tensor(-logit if real else logit, dtype=torch.float32)).item()


def test_discriminator_losses_of_known_logits(views):
    generated = torch.zeros_like(views.real)
    for name in ("frame", "sequence"):
        critic = Recorder(1.5, -0.5)
        expected = (binary(1.5, True) + binary(-0.5, False)) / 2
        assert discriminator_loss(name, critic, views, generated).item() == pytest.approx(expected)
        assert critic.shown[0][0] is views.real
        assert critic.shown[1][0] is generated
    critic = Recorder(2.0, 0.5, -1.0)
    expected = binary(2.0, True) / 2 + binary(0.5, False) / 4 + binary(-1.0, False) / 4
    assert discriminator_loss("sync", critic, views, generated).item() == pytest.approx(expected)
    (real, sound), (made, same_sound), (real_again, shifted) = critic.shown
    assert torch.equal(real, views.sync_frames(views.real))
    assert torch.equal(real_again, real)
    assert not made.any()
    assert torch.equal(sound, same_sound)
    assert torch.equal(sound[1], views.windows[1, 3])
    assert shifted is views.shifted


@pytest.mark.parametrize("name", ["frame", "sequence", "sync"])
def test_the_generator_wants_to_pass_for_real(views, name):
    critic = Recorder(-0.7)
    assert generator_loss(name, critic, views, views.real).item() == pytest.approx(binary(-0.7, True))
