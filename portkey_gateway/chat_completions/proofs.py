"""The proof of its thoughts that Gemini 3 wants to see again on the first call of each of its answers: pure.

Google, "Thought signatures" (``ai.google.dev/gemini-api/docs/thought-signatures``; for Vertex AI
``docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures``): a call of the current turn without one is a
400. For calls of another model's there is a word in its place, the same on both; Gemini before 3 wants none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from portkey_gateway.errors import warn
from portkey_gateway.models.names import own_name
from portkey_gateway.routing import Route

PROOF: Final = "thought_signature"
"""The proof's name: of a call in the conversation, of its function in a chat completion."""
_OF_ANOTHER: Final = "skip_thought_signature_validator"
_GENERATION: Final = re.compile(r"gemini-(\d+)")
_NEWEST: Final = re.compile(r"gemini-[a-z-]+-latest")
_FIRST_WITH_PROOF: Final = 3


def with_proofs(calls: list[dict[str, Any]], proofs: Mapping[str, str], route: Route) -> Iterator[dict[str, Any]]:
    """Give each call of one answer its proof, where whoever may answer wants to see it.

    Args:
        calls: encoded.
        proofs: what the calls had, by their ids.
        route: where the request goes.

    Warns:
        PortkeyWarning: if a proof is left out although a Gemini may answer.
    """
    if not route.is_gemini:
        if proofs and route.may_be_gemini:
            warn(
                f"{PROOF} of tool calls is left out: the config may send this call to a model that refuses it, and "
                "Gemini 3 wants to see it again; let the config name Geminis alone, or none"
            )
        yield from calls
        return
    wanted = any(_wants_proof(model) for _, model in route.targets)
    for index, call in enumerate(calls):
        proof = proofs.get(call["id"]) or (_OF_ANOTHER if wanted and not index else None)
        yield {**call, "function": {**call["function"], PROOF: proof}} if proof else call


def _wants_proof(model: str) -> bool:
    name = own_name(model)
    generation = _GENERATION.match(name)
    return int(generation[1]) >= _FIRST_WITH_PROOF if generation else bool(_NEWEST.match(name))
