"""No framework and no SDK: httpx and the wire's own JSON, over the Messages API."""

from __future__ import annotations

import json
from typing import Any

import httpx
from typing_extensions import override

from benchmarks.contenders.raw_httpx import RawHttpx


class RawMessages(RawHttpx):
    """What a careful reader of the wire's documentation would write by hand, in Anthropic's words."""

    path = "/messages"

    @override
    def prepare(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the body of a request."""
        system = [message["content"] for message in messages if message["role"] == "system"]
        said = [{**message, "content": _anthropics(message["content"])} for message in messages[len(system) :]]
        return {**self._parameters, **({"system": system[0]} if system else {}), "messages": said}

    @override
    @staticmethod
    def text(response: httpx.Response) -> str:
        """The text of a whole answer."""
        return "".join(block["text"] for block in response.raise_for_status().json()["content"])

    @override
    @staticmethod
    def chunk_text(line: str) -> str:
        """The text that a line of a stream adds."""
        if not line.startswith("data: {"):
            return ""
        text: str = json.loads(line[6:]).get("delta", {}).get("text", "")
        return text


def make(base_url: str, answer_tokens: int) -> RawMessages:
    """Return the contender."""
    return RawMessages(base_url, answer_tokens)


def _anthropics(content: Any) -> Any:
    return content if isinstance(content, str) else [*map(_block, content)]


def _block(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] != "image_url":
        return block
    head, _, data = block["image_url"]["url"].partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": head.removeprefix("data:"), "data": data}}
