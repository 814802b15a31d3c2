"""What is asked: messages in OpenAI's schema."""

from __future__ import annotations

import base64
import random
from typing import Any

IMAGE_BYTES = 5_000_000
SMALL_IMAGE_BYTES = 20_000
HISTORY_MESSAGES = 1000
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def short_prompt() -> list[dict[str, Any]]:
    """Return one question."""
    return [{"role": "user", "content": "Where does the river run?"}]


def image_prompt() -> list[dict[str, Any]]:
    """Return a question about an image of 5 MB, as a data URL."""
    # A signature and noise: whoever looks whether this is an image looks at its first bytes.
    noise = random.Random(0).randbytes(IMAGE_BYTES - len(_PNG_SIGNATURE))  # noqa: S311 noise, no secret
    data = base64.b64encode(_PNG_SIGNATURE + noise).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]


def small_images_prompt(count: int) -> list[dict[str, Any]]:
    """Return a question about so many images of 20 KB."""
    data = base64.b64encode(_PNG_SIGNATURE + bytes(SMALL_IMAGE_BYTES - len(_PNG_SIGNATURE))).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    return [{"role": "user", "content": [{"type": "text", "text": "What are these?"}, *([image] * count)]}]


def history_prompt() -> list[dict[str, Any]]:
    """Return a conversation of 1000 messages, the last of them a question."""
    turns = [
        {
            "role": "user" if index % 2 == 0 else "assistant",
            "content": f"Line {index} of a long talk about rivers. " * 3,
        }
        for index in range(HISTORY_MESSAGES - 1)
    ]
    return [{"role": "system", "content": "You know all rivers."}, *turns]
