"""A model of a few maps for the tests in which the weights do not matter."""

from pathlib import Path

import torch

from orate.models.checkpoint import save_model
from orate.models.config import ModelConfig
from orate.models.generator import Generator

RATE = 8_000
CROP = (32, 24)  # height, width


def save_tiny_model(folder: Path) -> Path:
    """Save random weights, far from zero so that the sound shows in the picture."""
    torch.manual_seed(0)
    sizes = dict.fromkeys(("identity_code", "audio_code", "content_code"), 8)
    config = ModelConfig(
        image_height=CROP[0], image_width=CROP[1], audio_rate=RATE, base_channels=2, audio_channels=2, **sizes
    )
    generator = Generator(config).eval()
    with torch.no_grad():
        for parameter in generator.parameters():
            if parameter.dim() > 2:
                parameter.mul_(10)
    save_model(generator, folder)
    return folder
