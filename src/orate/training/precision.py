"""Which numbers a training computes with."""

from __future__ import annotations

import torch


def wants_bf16(precision: str, accelerator: str) -> bool:
    """Whether to compute in bfloat16: as asked, or where the device has instructions for it."""
    if precision != "auto":
        return precision == "bf16"
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
