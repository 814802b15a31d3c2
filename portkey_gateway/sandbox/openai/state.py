"""Everything one emulated OpenAI remembers between requests."""

from typing import Final

from portkey_gateway.sandbox.openai import sse
from portkey_gateway.sandbox.openai.errors import fault_body
from portkey_gateway.sandbox.openai.prompt_cache import PromptCache
from portkey_gateway.sandbox.openai.reply import Reply
from portkey_gateway.sandbox.openai.scripted import script
from portkey_gateway.sandbox.serving.state import ProviderState
from portkey_gateway.sandbox.serving.trouble import Wording

WORDING: Final = Wording("x-request-id", fault_body, sse.encode, b"data: {this is not JSON\n\n")
"""How OpenAI tells of a failure."""


class OpenAIState(ProviderState[Reply]):
    """The memory of one emulated OpenAI.

    Attributes:
        cache: How earlier prompts began.
    """

    def __init__(self) -> None:
        super().__init__(WORDING, script)
        self.cache = PromptCache()

    def clear(self) -> None:
        """Forget everything, prompts too."""
        super().clear()
        self.cache.clear()
