from math import log

import pytest
import torch

from orate.training.config import LossConfig
from orate.training.losses import LIPS_478, LIPS_DEVIATION, LipsHead, ReconstructionLoss, adversarial_loss, mouth_mask

HEIGHT, WIDTH = 32, 24


def lips_between(left, right, top, bottom):
    """Landmarks (478, 2) far away, but for the lips: an upright rectangle's corners and points inside."""
    points = torch.full((478, 2), 1000.0)
    inside = torch.rand(len(LIPS_478), 2, generator=torch.Generator().manual_seed(0))
    inside[0], inside[1] = torch.zeros(2), torch.ones(2)
    low, high = torch.tensor([left, top]), torch.tensor([right, bottom])
    points[list(LIPS_478)] = low + inside * (high - low)
    return points


def test_lips_are_forty_different_landmarks():
    assert len(set(LIPS_478)) == len(LIPS_478) == 40
    assert {13, 14, 61, 291, 78, 308, 0, 17} <= set(LIPS_478)


def test_adversarial_loss_of_known_logits():
    undecided, sure = torch.zeros(4), torch.full((4,), 20.0)
    assert adversarial_loss(undecided, True).item() == pytest.approx(log(2))
    assert adversarial_loss(sure, True).item() == pytest.approx(0, abs=1e-6)
    assert adversarial_loss(sure, False).item() == pytest.approx(20, abs=1e-6)
    assert adversarial_loss(torch.tensor([1.0]), True).item() == pytest.approx(log(1 + 2.718281828**-1))


def test_adversarial_loss_does_not_saturate():
    """A generator that is found out still gets a gradient."""
    logits = torch.tensor([-20.0], requires_grad=True)
    adversarial_loss(logits, True).backward()
    assert logits.grad.item() == pytest.approx(-1, abs=1e-6)


@pytest.fixture
def videos():
    real = torch.zeros(1, 2, 3, HEIGHT, WIDTH)
    made = real.clone()
    made[..., : HEIGHT // 2, :] = 0.5
    made[..., HEIGHT // 2 :, :] = 0.2
    return made, real, lips_between(8.0, 16.0, 22.0, 26.0).expand(1, 2, 478, 2)


def test_the_papers_reconstruction_sees_the_lower_half_alone(videos):
    assert ReconstructionLoss(LossConfig())(*videos).item() == pytest.approx(0.2)


def test_reconstruction_of_the_upper_half(videos):
    assert ReconstructionLoss(LossConfig(l1_upper=0.5))(*videos).item() == pytest.approx(0.2 + 0.5 * 0.5)


def test_reconstruction_of_the_mouth(videos):
    made, real, landmarks = videos
    loss = ReconstructionLoss(LossConfig(l1_mouth=2.0))
    assert loss(made, real, landmarks).item() == pytest.approx(0.2 + 2 * 0.2)
    there = mouth_mask(landmarks, HEIGHT, WIDTH)[:, :, None]
    worse = made + 0.3 * there
    lower = 0.2 + 0.3 * there[..., HEIGHT // 2 :, :].mean().item()
    assert loss(worse, real, landmarks).item() == pytest.approx(lower + 2 * 0.5, rel=1e-5)


def test_mouth_mask_is_an_ellipse_with_a_margin():
    mask = mouth_mask(lips_between(8.0, 16.0, 22.0, 24.0)[None, None], HEIGHT, WIDTH)
    assert mask.shape == (1, 1, HEIGHT, WIDTH)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    rows, columns = mask[0, 0].nonzero(as_tuple=True)
    assert (rows.min().item(), rows.max().item()) == (18, 27)  # lips and 4 px; 28 would begin at the edge
    assert (columns.min().item(), columns.max().item()) == (4, 19)
    assert mask[0, 0, 18, 4] == 0  # no rectangle
    assert mask.sum().item() == pytest.approx(3.14159 * 8 * 5, rel=0.05)


def test_mouth_mask_follows_each_frame():
    landmarks = torch.stack([lips_between(4.0, 8.0, 6.0, 10.0), lips_between(16.0, 20.0, 22.0, 26.0)])
    first, second = mouth_mask(landmarks, HEIGHT, WIDTH)
    assert first[8, 6] == 1
    assert second[24, 18] == 1
    assert (first * second).sum() == 0


def test_lips_head_of_known_movement():
    head = LipsHead(4)
    torch.nn.init.zeros_(head.linear.weight)
    landmarks = lips_between(8.0, 16.0, 22.0, 26.0).repeat(1, 2, 1, 1)
    landmarks[:, :, 61], landmarks[:, :, 291] = torch.tensor([7.0, 24.0]), torch.tensor([17.0, 24.0])
    content = torch.randn(1, 2, 4)
    assert head(content, landmarks).item() == pytest.approx(0, abs=1e-10)
    landmarks[0, 1, list(LIPS_478), 1] += 2.0  # all lips by 0.2 mouths: 0.1 from the mean in one of two coordinates
    assert head(content, landmarks).item() == pytest.approx(0.01 / 2 / LIPS_DEVIATION**2)


def test_lips_head_ignores_where_the_face_stands_and_how_large_it_is():
    torch.manual_seed(0)
    head, content = LipsHead(4), torch.randn(2, 5, 4)
    landmarks = 20 + 5 * torch.rand(2, 5, 478, 2)
    landmarks[:, :, 61, 0] = 10.0
    assert head(content, 3 * landmarks + 7).item() == pytest.approx(head(content, landmarks).item(), rel=1e-4)


def test_lips_head_learns_what_the_content_code_says():
    torch.manual_seed(0)
    head, content = LipsHead(2), torch.randn(4, 8, 2)
    landmarks = lips_between(8.0, 16.0, 22.0, 26.0).repeat(4, 8, 1, 1)
    landmarks[:, :, list(LIPS_478[:20]), 1] += 10 * LIPS_DEVIATION * content[..., :1]  # mouths are 8 to 10 px wide
    optimiser = torch.optim.Adam(head.parameters(), 0.05)
    before = head(content, landmarks).item()
    for _ in range(100):
        optimiser.zero_grad()
        head(content, landmarks).backward()
        optimiser.step()
    assert head(content, landmarks).item() < 0.01 * before
