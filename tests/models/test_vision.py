"""A tiny random Qwen2-VL looks at pictures: through its processor, and as transformers alone would."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("PIL", reason="Pillow is not installed")

from evalsuite.models import hf_load  # noqa: E402
from evalsuite.models.hf import HuggingFacewithChatTemplate  # noqa: E402
from evalsuite.types import ImagePart, Message, Request, Sampling, TextPart  # noqa: E402

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def looker(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer, Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor
    from transformers.models.qwen2_vl import image_processing_pil_qwen2_vl as pictures

    folder = tmp_path_factory.mktemp("looker")
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.add_special_tokens(
        {"extra_special_tokens": ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]}
    )
    start, end, image, video = (
        tokenizer.convert_tokens_to_ids(text)
        for text in ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    )
    torch.manual_seed(0)
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer) + 4,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "intermediate_size": 96,
            "max_position_embeddings": 512,
            "initializer_range": 0.3,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
        },
        vision_config={"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 64, "mlp_ratio": 2},
        vision_start_token_id=start,
        vision_end_token_id=end,
        image_token_id=image,
        video_token_id=video,
    )
    Qwen2VLForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    processor = Qwen2VLProcessor.__new__(Qwen2VLProcessor)
    processor.image_processor = pictures.Qwen2VLImageProcessorPil()
    processor.tokenizer = tokenizer
    processor.image_token, processor.video_token = "<|image_pad|>", "<|video_pad|>"
    processor.image_token_id, processor.video_token_id = image, video
    model = HuggingFacewithChatTemplate(str(folder))
    model._base.processor = processor
    yield model
    model.close()


def picture(color: tuple[int, int, int]) -> str:
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (84, 56), color).save(data, "PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def asked(key: str, source: str, **options: Any) -> Request:
    content = (TextPart("What is this? "), ImagePart(source, options))
    return Request(key, (Message("user", content),), Sampling(max_out_len=8, min_out_len=8))


def test_the_picture_reaches_the_model(looker: Any, tmp_path: Path) -> None:
    file = tmp_path / "red.png"
    file.write_bytes(base64.b64decode(picture((255, 0, 0)).split(",")[1]))
    requests = [
        asked("red", picture((255, 0, 0))),
        asked("file", str(file)),
        asked("blue", picture((0, 0, 255))),
        asked("large", str(file), size=(168, 112)),
        asked("gone", str(tmp_path / "nothing.png")),
        asked("far", "https://example.org/x.png"),
        Request("text", (Message("user", "no picture"),), Sampling(max_out_len=4, min_out_len=4)),
    ]
    answers = {answer.key: answer for answer in looker.generate(iter(requests))}
    assert answers["red"].text == answers["file"].text
    assert answers["red"].text != answers["blue"].text
    assert answers["large"].prompt_tokens > answers["red"].prompt_tokens
    assert answers["gone"].error is not None and answers["gone"].error.kind == "bad_image"
    assert answers["far"].error is not None and "network" in answers["far"].error.message
    assert answers["text"].output_tokens == 4
    assert hf_load.processor_of(looker._base) is not None


def test_a_text_model_refuses_pictures(tiny: Path) -> None:
    model = HuggingFacewithChatTemplate(str(tiny))
    try:
        (answer,) = model.generate(iter([asked("x", picture((1, 2, 3)))]))
        assert answer.error is not None
        assert answer.error.kind == "unsupported"
    finally:
        model.close()
