"""Root-mean-square norms on a GPU as one kernel instead of the seven that transformers starts.

A step of decoding is a thousand kernels that take less time to run than to start; a third are those of norms.
Half precision is rounded once instead of twice: results differ in their last bits, as they do between cards.
"""

from __future__ import annotations

from typing import Any

EPSILONS = ("variance_epsilon", "eps", "epsilon")


def use_fused_norms(model: Any) -> int:
    """Let norms that compute what torch's own does be computed by it; says how many there are."""
    turned = 0
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm") and module.__class__.__module__.startswith(
            "transformers."
        ):
            turned += _turn(module)
    return turned


def _turn(module: Any) -> bool:
    import torch

    weight = getattr(module, "weight", None)
    epsilon = next((getattr(module, name) for name in EPSILONS if hasattr(module, name)), None)
    if weight is None or weight.dim() != 1 or weight.device.type == "meta" or not isinstance(epsilon, float):
        return False
    forward = _forward(module, epsilon)
    # Some families scale by one more than the weight, or norm in their own way: seen on a few numbers.
    maker = torch.Generator().manual_seed(0)
    x = torch.randn(3, len(weight), generator=maker).to(weight.device, weight.dtype)
    with torch.inference_mode():
        try:
            wanted, got = module(x).float(), forward(x).float()
        except (RuntimeError, TypeError):
            return False
    tolerance = 1e-5 if weight.dtype == torch.float32 else 2e-2
    if wanted.shape != got.shape or not torch.allclose(wanted, got, rtol=tolerance, atol=tolerance):
        return False
    module.forward = forward
    return True


def _forward(module: Any, epsilon: float) -> Any:
    from torch.nn.functional import rms_norm

    def forward(hidden_states: Any) -> Any:
        return rms_norm(hidden_states, module.weight.shape, module.weight, epsilon)

    return forward
