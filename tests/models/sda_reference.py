"""The authors' computation, written from the names and shapes in their checkpoints: whole clip, plain PyTorch.

It shares no code with the package, so that agreement means something; the benchmark times it.
"""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

SOUND_STRIDES = (2, 2, 2, 5)  # prime factors, but the last, of the 200 steps of 1 ms in a window


def random_checkpoint(
    *,
    image: tuple[int, int] = (128, 96),
    maps: int = 64,
    rate: int = 50_000,
    sound_strides: tuple[int, ...] = SOUND_STRIDES,
    sound_maps: int = 16,
    codes: tuple[int, int, int, int] = (128, 256, 256, 10),
    sequential: bool = True,
    seed: int = 0,
) -> dict[str, Any]:
    """A checkpoint with random weights; `codes` are those of identity, audio window, content and noise."""
    random = torch.Generator().manual_seed(seed)
    identity, window, content, noise = codes

    def values(*shape: int) -> Tensor:
        fan = np.prod(shape[1:]) if len(shape) > 1 else 4
        return torch.randn(shape, generator=random) * float(fan) ** -0.5

    def norm(name: str, count: int) -> dict[str, Tensor]:
        return {
            f"{name}.weight": 1 + 0.2 * torch.randn(count, generator=random),
            f"{name}.bias": 0.2 * torch.randn(count, generator=random),
            f"{name}.running_mean": 0.2 * torch.randn(count, generator=random),
            f"{name}.running_var": 0.5 + torch.rand(count, generator=random),
            f"{name}.num_batches_tracked": torch.tensor(7),
        }

    def gru(name: str, inputs: int, size: int, layers: int) -> dict[str, Tensor]:
        state = {}
        for layer in range(layers):
            state[f"{name}.weight_ih_l{layer}"] = values(3 * size, inputs if layer == 0 else size)
            state[f"{name}.weight_hh_l{layer}"] = values(3 * size, size)
            state[f"{name}.bias_ih_l{layer}"] = values(3 * size) * 0.2
            state[f"{name}.bias_hh_l{layer}"] = values(3 * size) * 0.2
        return state

    encoder: dict[str, Tensor] = {}
    before, after = 1, sound_maps
    for index, kernel in enumerate((rate // 200, *(2 * stride for stride in sound_strides))):
        encoder[f"encoder.cl.{index}.weight"] = values(after, before, kernel)
        encoder[f"encoder.cl.{index}.bias"] = values(after) * 0.1
        encoder |= norm(f"encoder.activations.{index}.0", after)
        before, after = after, 2 * after
    last, left = len(sound_strides) + 1, rate // 5
    for stride in (rate // 1000, *sound_strides):
        left = ceil(left / stride)
    encoder[f"encoder.cl.{last}.weight"] = values(window, before, left)
    encoder[f"encoder.cl.{last}.bias"] = values(window) * 0.1
    encoder |= gru("rnn", window, content, 2)

    halvings = int(log2(max(image))) - 2
    coarse = tuple(side >> halvings for side in image)
    channels = [maps << level for level in range(halvings)]
    encoder_id: dict[str, Tensor] = {}
    for level, (inputs, outputs) in enumerate(zip([3, *channels], channels, strict=False)):
        encoder_id[f"cl.{level}.0.weight"] = values(outputs, inputs, 4, 4)
        encoder_id |= norm(f"cl.{level}.1", outputs)
    encoder_id[f"cl.{halvings}.0.weight"] = values(identity, channels[-1], *coarse)

    generator = gru("rnn_noise", noise, noise, 1) if sequential and noise else {}
    generator["dcl.0.0.weight"] = values(content + noise + identity, channels[-1], *coarse)
    generator |= norm("dcl.0.1", channels[-1])
    for index, count in enumerate(reversed(channels[1:]), 1):
        generator[f"dcl.{index}.dcl1.weight"] = values(2 * count, count, 3, 3)
        generator |= norm(f"dcl.{index}.activation1.0", count)
        generator[f"dcl.{index}.dcl2.weight"] = values(count, count // 2, 4, 4)
        generator |= norm(f"dcl.{index}.activation2.0", count // 2)
    generator[f"dcl.{halvings}.weight"] = values(channels[0], 3, 4, 4)

    return {
        "encoder": encoder,
        "encoder_id": encoder_id,
        "generator": generator,
        "mean_face": np.random.default_rng(seed).uniform(10, 90, (68, 2)),
        "img_size": image,
        "audio_rate": rate,
        "video_rate": 25,
        "audio_feat_len": 0.2,
        "audio_feat_samples": rate // 5,
        "id_enc_dim": identity,
        "rnn_gen_dim": content,
        "aud_enc_dim": window,
        "aux_latent": noise,
        "sequential_noise": sequential,
    }


@torch.no_grad()
def authors_frames(checkpoint: dict[str, Any], image: Tensor, windows: Tensor, noise: Tensor | None) -> Tensor:
    """Image (3, H, W) in [-1, 1], windows (T, samples), noise (T, n), to frames (T, 3, H, W) in (-1, 1)."""
    frames = len(windows)
    content = _content(checkpoint["encoder"], windows, checkpoint["audio_rate"])
    identity, skips = _identity(checkpoint["encoder_id"], image)
    state = checkpoint["generator"]
    codes = [content]
    if noise is not None:
        codes.append(_gru(state, "rnn_noise", noise).tanh() if "rnn_noise.weight_ih_l0" in state else noise)
    codes.append(identity.expand(frames, -1))
    features = F.conv_transpose2d(torch.cat(codes, 1)[:, :, None, None], state["dcl.0.0.weight"])
    features = F.relu(_norm(state, "dcl.0.1", features))
    for index, skip in enumerate(reversed(skips[1:]), 1):
        joined = torch.cat([features, skip.repeat(frames, 1, 1, 1)], 1)
        joined = F.conv_transpose2d(joined, state[f"dcl.{index}.dcl1.weight"], padding=1)
        joined = F.relu(_norm(state, f"dcl.{index}.activation1.0", joined))
        features = F.conv_transpose2d(joined, state[f"dcl.{index}.dcl2.weight"], stride=2, padding=1)
        features = F.relu(_norm(state, f"dcl.{index}.activation2.0", features))
    return F.conv_transpose2d(features, state[f"dcl.{len(skips)}.weight"], stride=2, padding=1).tanh()


def _content(state: dict[str, Tensor], windows: Tensor, rate: int) -> Tensor:
    features = windows[:, None]
    last = sum(name.endswith("running_var") for name in state)
    strides = [rate // 1000, *(state[f"encoder.cl.{index}.weight"].shape[2] // 2 for index in range(1, last))]
    for index, stride in enumerate(strides):
        weight = state[f"encoder.cl.{index}.weight"]
        length = features.shape[2]
        lacking = (ceil(length / stride) - 1) * stride + weight.shape[2] - length
        features = F.conv1d(features, weight, state[f"encoder.cl.{index}.bias"], stride, ceil(lacking / 2))
        features = F.relu(_norm(state, f"encoder.activations.{index}.0", features))
    features = F.conv1d(features, state[f"encoder.cl.{last}.weight"], state[f"encoder.cl.{last}.bias"])
    return _gru(state, "rnn", features.tanh().squeeze(2))


def _identity(state: dict[str, Tensor], image: Tensor) -> tuple[Tensor, list[Tensor]]:
    features, skips = image[None], []
    while f"cl.{len(skips)}.1.weight" in state:
        features = F.conv2d(features, state[f"cl.{len(skips)}.0.weight"], stride=2, padding=1)
        features = F.relu(_norm(state, f"cl.{len(skips)}.1", features))
        skips.append(features)
    return F.conv2d(features, state[f"cl.{len(skips)}.0.weight"]).tanh().flatten(1), skips


def _norm(state: dict[str, Tensor], name: str, features: Tensor) -> Tensor:
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return F.batch_norm(features, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"])


def _gru(state: dict[str, Tensor], name: str, sequence: Tensor) -> Tensor:
    weights = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
    layers = sum(key.startswith("weight_ih") for key in weights)
    net = nn.GRU(weights["weight_ih_l0"].shape[1], weights["weight_hh_l0"].shape[1], layers, batch_first=True)
    net.load_state_dict(weights)
    output: Tensor = net(sequence[None])[0][0]
    return output
