"""``llm.tokenizer``: texts counted by the model's provider, for LlamaIndex's ``Settings.tokenizer`` and the like."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage

from portkey_gateway.other_routes import NO_TOKEN_COUNT

if TYPE_CHECKING:
    from portkey_llamaindex.llm import Portkey

_CHARACTERS_OF_A_TOKEN = 4


class GatewayTokenizer:
    """Counts the tokens of texts: LlamaIndex takes the length of what ``encode`` returns.

    Each text is a call to the gateway, which costs nothing and takes a while. Models other than Claude and gateways
    without the route have no such count: four characters are taken for a token there.

    Args:
        llm: whose options the calls have.
    """

    def __init__(self, llm: Portkey) -> None:
        self._llm = llm

    def encode(self, text: str, *_: Any, **__: Any) -> list[int]:
        """Return as many zeros as there are tokens in what a user would say with this text.

        Raises:
            PortkeyError: if the count fails for another reason than that there is none.
        """
        return [0] * self._count(text) if text.strip() else []

    def _count(self, text: str) -> int:
        if self._llm.targets_claude():
            with contextlib.suppress(*NO_TOKEN_COUNT):
                return self._llm.count_tokens([ChatMessage(text)])
        return -(-len(text) // _CHARACTERS_OF_A_TOKEN)
