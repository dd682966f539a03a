"""The critics of motion: is this whole stretch natural movement, and do this sound and these lips belong together?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SYNC_FRAMES = 5
HEARD = 8
LEAK = 0.2


class MotionSequenceDiscriminator(nn.Module):
    """Convolutions over the numbers of a frame and its neighbours, a one-layer GRU over them, one decision at its end.

    It sees motion and its first and second differences: how steady a movement is shows there. With `speech`, the width
    of the features that it hears beside, it can also tell movement that has nothing to do with what is said.
    """

    def __init__(self, values: int, channels: int = 96, speech: int = 0) -> None:
        super().__init__()
        self.hearing = nn.Linear(speech, HEARD) if speech else None
        heard = HEARD if speech else 0
        self.convolutions = nn.Sequential(
            nn.Conv1d(3 * values + heard, channels, 5, padding=2),
            nn.LeakyReLU(LEAK),
            nn.Conv1d(channels, channels, 5, padding=2),
            nn.LeakyReLU(LEAK),
        )
        self.recurrent = nn.GRU(channels, channels, batch_first=True)
        self.decision = nn.Linear(channels, 1)

    def forward(self, motion: Tensor, speech: Tensor | None = None) -> Tensor:
        """Judge (batch, time, values) in units of their deviation: logits (batch,), positive means real.

        Args:
            motion: what is judged.
            speech: (batch, time, speech) normalised features, where it hears.
        """
        speed = motion[:, 1:] - motion[:, :-1]
        change = speed[:, 1:] - speed[:, :-1]
        seen = torch.cat([motion[:, 2:], 3 * speed[:, 1:], 5 * change], dim=2)
        if self.hearing is not None and speech is not None:
            seen = torch.cat([seen, self.hearing(speech[:, 2:])], dim=2)
        _, last = self.recurrent(self.convolutions(seen.transpose(1, 2)).transpose(1, 2))
        logits: Tensor = self.decision(last[-1])
        return logits.squeeze(1)


class MotionSyncDiscriminator(nn.Module):
    """Two streams, 0.2 s of speech features and five frames of the mouth, one embedding each.

    Their Euclidean distance goes through a single-layer perceptron, as in the sync discriminator of pictures.
    """

    def __init__(self, speech: int, values: int, width: int = 192, code: int = 64) -> None:
        super().__init__()
        self.speech_stream = _stream(SYNC_FRAMES * speech, width, code)
        self.motion_stream = _stream(SYNC_FRAMES * values, width, code)
        self.decision = nn.Linear(1, 1)
        with torch.no_grad():
            self.decision.weight.fill_(-1.0)  # distance zero means "together"

    def forward(self, speech: Tensor, motion: Tensor) -> Tensor:
        """(batch, 5, speech) normalised features and (batch, 5, values) motion to logits (batch,)."""
        distance = (self.speech_stream(speech.flatten(1)) - self.motion_stream(motion.flatten(1))).norm(dim=1)
        logits: Tensor = self.decision(distance[:, None])
        return logits.squeeze(1)


def _stream(inputs: int, width: int, code: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LeakyReLU(LEAK), nn.Dropout(0.2), nn.Linear(width, code), nn.Tanh()
    )


def adversarial(logits: Tensor, real: bool) -> Tensor:
    """Cross-entropy of the verdict "real" or "made"."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))
