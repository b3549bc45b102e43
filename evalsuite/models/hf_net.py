"""The network behind both verbs: forward passes that yield logits at chosen places only.

Everything here is arithmetic on tensors; requests and texts are unknown to it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

GROUPED = "evalsuite_grouped"
CALL_TOKENS = 128
MOST_CALL_TOKENS = 16384
# Multiplications of a large GPU in the 20 to 30 ms that a host needs to start a pass of some thirty layers.
CALL_PRODUCTS = 5 * 10**12


class Net:
    """A causal language model with the few facts that the loops need."""

    def __init__(self, model: Any) -> None:
        self.model = model
        config = model.config.get_text_config()
        self.config = config
        self.layers = int(config.num_hidden_layers)
        self.vocabulary = int(config.vocab_size)
        self.device = model.get_input_embeddings().weight.device
        self.dtype = model.dtype
        self.window = _window(config)
        self._picked: Any = None
        use_grouped_attention(model)
        head = model.get_output_embeddings()
        if head is not None:
            head.register_forward_pre_hook(self._pick)

    def _pick(self, module: Any, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Hand only the chosen positions to the output layer; soft caps and scales behind it still apply."""
        if self._picked is None:
            return None
        hidden = args[0]
        rows = hidden.reshape(-1, hidden.shape[-1])[self._picked.to(hidden.device)]
        return (rows[None], *args[1:])

    def token_bytes(self) -> int:
        """Bytes of keys and values per token."""
        heads = getattr(self.config, "num_key_value_heads", None) or self.config.num_attention_heads
        size = (
            getattr(self.config, "head_dim", None)
            or self.config.hidden_size // self.config.num_attention_heads
        )
        return int(2 * self.layers * heads * size * self.dtype.itemsize)

    def forward(
        self,
        ids: Any,
        picked: Any,
        mask: Any = None,
        positions: Any = None,
        cache: Any = None,
        *,
        fixed: bool = False,
    ) -> Any:
        """Logits of the picked places (indices into rows x columns) as float32, one row each.

        `fixed` says that passes of these sizes will come again and again.
        """
        options: dict[str, Any] = {"use_cache": cache is not None}
        if cache is not None:
            options["past_key_values"] = cache
        if mask is not None:
            options["attention_mask"] = self._additive(mask)
        if positions is not None:
            options["position_ids"] = positions
        self._picked = picked
        try:
            with contextlib.nullcontext() if fixed else _kernels_for_any_size(self.device):
                logits = self.model(input_ids=ids, **options).logits
        finally:
            self._picked = None
        return logits.reshape(-1, logits.shape[-1])[: len(picked)].float()

    def call_tokens(self) -> int:
        """How many tokens of a prompt one more pass costs.

        On a GPU that is what it could compute while the host starts a pass.
        """
        if self.device.type != "cuda":
            return CALL_TOKENS
        weights = sum(int(weight.numel()) for weight in self.model.parameters())
        return max(CALL_TOKENS, min(MOST_CALL_TOKENS, CALL_PRODUCTS // max(1, weights)))

    def _additive(self, mask: Any) -> Any:
        """An additive mask from a boolean one (true where a query may look)."""
        import torch

        return torch.zeros(mask.shape, dtype=self.dtype, device=mask.device).masked_fill_(
            ~mask, torch.finfo(self.dtype).min
        )

    def probe(self) -> str:
        """Check on a few tokens that slots, prefixes and packed rows give what a plain pass gives.

        Returns what went wrong, or an empty string. An architecture that keeps another kind of state, or that
        ignores our masks, is found here and served by transformers' own loop instead.
        """
        import torch

        if getattr(self.model.config, "is_encoder_decoder", False):
            return "an encoder-decoder has no single stream of tokens"
        if self.window is not None:
            return "its layers attend to a sliding window"
        if any(kind not in ("full_attention",) for kind in getattr(self.config, "layer_types", None) or ()):
            return "some of its layers keep another state than keys and values"
        maker = torch.Generator().manual_seed(0)
        ids = torch.randint(0, min(self.vocabulary, 1000), (2, 7), generator=maker).to(self.device)
        tolerance = 2e-3 if self.dtype == torch.float32 else 0.15
        try:
            with torch.inference_mode():
                wrong = _compare(self, ids)
        except (
            RuntimeError,
            TypeError,
            ValueError,
            AttributeError,
            IndexError,
            KeyError,
            NotImplementedError,
        ) as error:
            if is_out_of_memory(error):
                raise
            return f"{type(error).__name__}: {error}"
        return "" if wrong <= tolerance else f"log-probabilities differ by {wrong:.2g}"


def _kernels_for_any_size(device: Any) -> Any:
    """Attention without cuDNN's kernels, which are planned anew, for tens of milliseconds, for each size."""
    if device.type != "cuda":
        return contextlib.nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH])


def use_grouped_attention(model: Any) -> None:
    """Let decoding read keys and values as they lie instead of copying them for each query head first.

    The query heads that share a key head become the rows of one small matrix, and rows of unlike length are
    attended to apart, so that short ones do not read what only long ones have; masks and prefill stay as they
    were.
    """
    if getattr(model.config, "_attn_implementation", "") != "sdpa" or not hasattr(
        model, "set_attn_implementation"
    ):
        return
    import torch
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def grouped(
        module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **options: Any
    ) -> tuple[Any, None]:
        rows, heads, length, size = query.shape
        groups = key.shape[1]
        simple = (
            attention_mask is not None and attention_mask.shape[1] == 1 and not options.get("position_bias")
        )
        if length != 1 or not simple:
            found: tuple[Any, None] = sdpa_attention_forward(
                module, query, key, value, attention_mask, **options
            )
            return found
        query = query.reshape(rows, groups, heads // groups, size)
        runs = getattr(key, "runs", None) or [(0, rows, key.shape[2])]
        parts = [
            torch.nn.functional.scaled_dot_product_attention(
                query[begin:end],
                key[begin:end, :, :width],
                value[begin:end, :, :width],
                attn_mask=attention_mask[begin:end, :, :, :width],
                scale=options.get("scaling"),
            )
            for begin, end, width in runs
        ]
        out = torch.cat(parts) if len(parts) > 1 else parts[0]
        return out.reshape(rows, 1, heads, value.shape[-1]), None

    AttentionInterface.register(GROUPED, grouped)
    AttentionMaskInterface.register(GROUPED, sdpa_mask)
    model.set_attn_implementation(GROUPED)


def _compare(net: Net, ids: Any) -> float:
    """The mean difference between a plain pass and the slot cache and packed rows on the same tokens."""
    import torch
    from transformers.cache_utils import DynamicCache

    from evalsuite.models.hf_cache import Slots, behind

    device = ids.device
    plain = net.model(input_ids=ids).logits.float().log_softmax(-1)
    slots, filled = Slots(net.layers), DynamicCache()
    net.forward(ids[:, :5], torch.tensor([0], device=device), cache=filled)
    slots.store(0, filled, [5, 4])
    places = torch.tensor([5, 4], device=device)
    slots.steps.set(torch.arange(2, device=device), places, 6)
    mask = (torch.arange(6, device=device)[None] <= places[:, None])[:, None, None]
    fed = torch.stack([ids[0, 5], ids[1, 4]])[:, None]
    got = net.forward(
        fed, torch.arange(2, device=device), mask=mask, positions=places[:, None], cache=slots.cache
    ).log_softmax(-1)
    slot = (got - torch.stack([plain[0, 5], plain[1, 4]])).abs().mean()
    # One row holds two continuations of three shared tokens: 0 1 2 | 3 4 | 5 6.
    own = torch.ones(4, 4, dtype=torch.bool, device=device).tril()
    own[2:, :2] = False
    packed_mask = torch.cat([torch.ones(4, 3, dtype=torch.bool, device=device), own], 1)[None, None]
    row = torch.cat([ids[0, 3:5], ids[0, 3:5]])[None]
    packed = net.forward(
        row,
        torch.tensor([1, 3], device=device),
        mask=packed_mask,
        positions=torch.tensor([[3, 4, 3, 4]], device=device),
        cache=behind(_row(filled, 0), 3),
    ).log_softmax(-1)
    return float(torch.maximum(slot, (packed - plain[0, 4]).abs().mean()))


def _row(cache: Any, row: int) -> Any:
    from transformers.cache_utils import DynamicCache

    one = DynamicCache()
    for index, layer in enumerate(cache.layers):
        one.update(layer.keys[row : row + 1], layer.values[row : row + 1], index)
    return one


def _window(config: Any) -> int | None:
    if getattr(config, "use_sliding_window", True) is False:
        return None
    value = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if kinds and all(kind == "full_attention" for kind in kinds):
        return None
    context = getattr(config, "max_position_embeddings", 0) or 0
    return int(value) if value and value < context else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or on the host."""
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def free_bytes(device: Any) -> int:
    """Memory that may be taken on this device."""
    import torch

    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + kept)
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 4 << 30
    return next((int(line.split()[1]) * 512 for line in lines if line.startswith("MemAvailable")), 4 << 30)
