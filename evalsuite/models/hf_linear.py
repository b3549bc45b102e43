"""Matrix products on a CPU: oneDNN's instead of MKL's where MKL leaves half of the processor idle.

torch hands products of float32 to MKL, which uses AVX-512 on Intel's processors alone; on others that have it
oneDNN, which comes with torch as well, is about twice as fast. Both add up in float32: results differ in
their last bits, as they do between processors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# Below these, starting a product costs more than it saves.
LEAST_ROWS = 16
LARGE_WEIGHT = 1 << 20


def use_fast_products(model: Any) -> bool:
    """Let the model's plain linear layers compute with oneDNN where that pays; says whether it does."""
    import torch

    product = _product() if _mkl_is_slow() else None
    if product is None:
        return False
    for layer in model.modules():
        # Only the class itself: what derives from it (adapters, quantised layers) computes something else.
        if type(layer) is torch.nn.Linear and _is_plain(layer.weight):
            layer.forward = _forward(layer, product)
    return True


def _is_plain(weight: Any) -> bool:
    import torch

    return bool(weight.dtype == torch.float32 and weight.device.type == "cpu" and weight.is_contiguous())


def _forward(layer: Any, product: Any) -> Any:
    from torch.nn.functional import linear

    def forward(x: Any) -> Any:
        weight = layer.weight
        few = x.numel() < LEAST_ROWS * x.shape[-1] and weight.numel() < LARGE_WEIGHT
        if few or not x.numel():
            return linear(x, weight, layer.bias)
        return product(x, weight, layer.bias, "none", [], "")

    return forward


def _mkl_is_slow() -> bool:
    """Whether MKL would compute without the AVX-512 that this processor has."""
    import torch

    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()):
        return False
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and not _is_intel()


def _is_intel() -> bool:
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True  # unknown: leave torch's own choice


def _product() -> Any:
    """oneDNN's product by its internal name, or None where this torch has another one under it."""
    import torch

    x, weight, bias = torch.ones(LEAST_ROWS, 8), torch.ones(4, 8), torch.ones(4)
    try:
        product = torch.ops.mkldnn._linear_pointwise.default
        with torch.inference_mode():
            fits = all(
                torch.equal(
                    product(x, weight, added, "none", [], ""), torch.nn.functional.linear(x, weight, added)
                )
                for added in (bias, None)
            )
    except (AttributeError, RuntimeError, TypeError):
        return None
    return product if fits else None
