"""A rendered prompt: a request for an answer, as the library fills it in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portkey_gateway.conversation.parameters import with_one_name

# Portkey's editor writes these into every prompt (its docs, "Prompt API"). They are every provider's default, and some
# providers, Claude among them, know no such parameter, or refuse it beside another.
_NEUTRAL: Final = {"n": 1, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1, "logprobs": False, "echo": False}
# Whether an answer is streamed is said by how it is asked for.
_NO_PARAMETERS: Final = frozenset({"messages", "prompt", "model", "stream", "stream_options"})


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """A prompt with its variables filled in."""

    data: dict[str, Any]
    """The request as it came: ``messages`` (or ``prompt``), ``model`` and parameters."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages in OpenAI's form; the text of a prompt for text completions is one message of a user's."""
        messages = self.data.get("messages")
        return messages if isinstance(messages, list) else [{"role": "user", "content": str(self.data.get("prompt"))}]

    @property
    def model(self) -> str:
        """The name of the model, empty if the prompt has none."""
        return str(self.data.get("model") or "")

    @property
    def parameters(self) -> dict[str, Any]:
        """What else is asked for, tools among it, without what is every provider's default."""
        said = {name: value for name, value in self.data.items() if name not in _NO_PARAMETERS and value is not None}
        return with_one_name({name: value for name, value in said.items() if _NEUTRAL.get(name) != value})


def is_rendered(data: Mapping[str, Any]) -> bool:
    """Tell whether an answer of the library is a rendered prompt."""
    messages = data.get("messages")
    is_chat = isinstance(messages, list) and all(isinstance(message, dict) for message in messages)
    return is_chat or isinstance(data.get("prompt"), str)
