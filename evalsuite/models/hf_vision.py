"""Images for vision-language models: loading them, and the tensors that a processor makes of a prompt."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

from evalsuite.models.prompts import Prompts, image_parts
from evalsuite.types import ImagePart, Request


def load_image(part: ImagePart) -> Any:
    """A picture from a path or a data URI, resized when the part says `size` (width, height).

    A URL is not fetched here: what an evaluation looks at must lie still, so data is fetched before a run.
    """
    from PIL import Image

    picture: Any
    if part.source.startswith("data:"):
        picture = Image.open(io.BytesIO(base64.b64decode(part.source.split(",", 1)[1])))
    elif part.source.startswith(("http://", "https://")):
        raise ValueError("an image must be a file or a data URI, not an address on the network")
    else:
        picture = Image.open(part.source)
    picture = picture.convert("RGB")
    size = part.options.get("size")
    return picture.resize(tuple(size)) if size else picture


def image_inputs(processor: Any, prompts: Prompts, request: Request) -> Mapping[str, Any]:
    """Token ids, pixels and whatever else the processor gives for one prompt with images."""
    assert not isinstance(request.prompt, str)
    text = prompts.prefix + prompts.render(request.prompt, request.tools, images=True)
    pictures = [load_image(part) for part in image_parts(request.prompt)]
    made: Mapping[str, Any] = processor(
        text=[text], images=pictures, return_tensors="pt", add_special_tokens=False
    )
    return made
