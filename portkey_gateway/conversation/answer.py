"""An answer, decoded: the fold of a stream and a whole answer yield the very same object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from pydantic_core import from_json

from portkey_gateway.conversation.cost import Cost, price_call
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.info import GatewayInfo
from portkey_gateway.prices import Prices, find_prices, has_prices

FINISH_REASONS: Final = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "tool_use": "tool_calls",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "refusal": "content_filter",
        # Gemini, Cohere, Titan, Mistral, Bedrock and Together, which the gateway renames only when it is strict.
        "STOP": "stop",
        "COMPLETE": "stop",
        "STOP_SEQUENCE": "stop",
        "FINISHED": "stop",
        "STOP_CRITERIA_MET": "stop",
        "eos": "stop",
        "TOOL_CALL": "tool_calls",
        "MAX_TOKENS": "length",
        "LENGTH": "length",
        "model_length": "length",
        "SAFETY": "content_filter",
        "PROHIBITED_CONTENT": "content_filter",
        "BLOCKLIST": "content_filter",
        "SPII": "content_filter",
        "RECITATION": "content_filter",
        "LANGUAGE": "content_filter",
        "IMAGE_SAFETY": "content_filter",
        "CONTENT_FILTERED": "content_filter",
        "content_filtered": "content_filter",
        "guardrail_intervened": "content_filter",
    }
)
"""Stop reasons of Anthropic and others under OpenAI's names; any other reason keeps its own."""

BROKEN_OFF: Final = MappingProxyType(
    {
        "length": (
            "was cut off, by max_tokens or the end of the context window: raise max_tokens or shorten the question"
        ),
        "content_filter": "was broken off by a refusal",
    }
)
"""What to say of an answer that ended for such a finish reason: whatever it says last may be half of what was meant."""


_OK: Final = int(HTTPStatus.OK)

LOST_ARGUMENTS: Final = (
    "(lost in the gateway's stream, as those of every call that Claude's code made: ask for a whole answer, or say "
    "api_format='messages')"
)
"""What stands in the place of a call's arguments that the gateway dropped: no JSON, so that no tool is run on it."""


BlockType = Literal["text", "thinking", "redacted_thinking", "other"]


class BlockDelta(NamedTuple):
    """What a chunk adds to one content block."""

    position: int
    """The block's place among the answer's content blocks; tool calls are not counted."""
    type: BlockType
    text: str = ""
    """Text, or reasoning."""
    signature: str = ""
    """The proof of a thinking block."""
    data: str = ""
    """What a redacted thinking block holds."""
    raw: dict[str, Any] | None = None
    """A block of a kind that we do not know, as it came; of a text block ``{"citations": […]}`` where it has any."""


class ToolCallDelta(NamedTuple):
    """What a chunk adds to one tool call."""

    position: int
    """The call's place among the answer's tool calls."""
    id: str | None
    name: str | None
    arguments: str
    """A piece of the arguments' JSON text, cut anywhere."""
    extras: dict[str, Any] | None = None
    """What else the provider says of the call, such as the ``caller`` that Anthropic names."""
    after: int | None = None
    """With the beginning of a call: how many of the answer's blocks were said before it, where that is told."""


class Delta(NamedTuple):
    """What one chunk adds to an answer."""

    blocks: tuple[BlockDelta, ...] = ()
    tool_calls: tuple[ToolCallDelta, ...] = ()
    refusal: str = ""
    audio: dict[str, Any] | None = None
    """What is spoken: ``id``, a piece of ``data`` (base64) or of ``transcript``, ``expires_at``."""
    stop_reason: str | None = None
    """The provider's own reason to stop, on the last chunk."""
    usage: Usage | None = None
    """On the last chunk."""
    hook_results: dict[str, Any] | None = None
    """Guardrail verdicts; the gateway sends them before or after the answer."""
    extras: dict[str, Any] | None = None
    """What else the provider says of the answer, by its own names."""

    @property
    def text(self) -> str:
        """The text this adds, reasoning left out."""
        return "".join(block.text for block in self.blocks if block.type == "text")

    @property
    def finish_reason(self) -> str | None:
        """``stop_reason`` under OpenAI's names."""
        return finish_reason(self.stop_reason)


@dataclass(frozen=True, slots=True)
class AnswerBlock:
    """One content block of an answer; the fields are those of ``BlockDelta``."""

    type: BlockType
    text: str = ""
    signature: str = ""
    data: str = ""
    raw: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AnswerToolCall:
    """One tool call of an answer."""

    id: str
    name: str
    arguments: str
    """JSON text as compact JSON; what is not JSON (cut off by ``max_tokens``, say) stays as it came."""
    is_cut: bool = False
    """Whether the answer was broken off here: a whole answer of Claude's then has ``{}`` for the arguments."""
    extras: dict[str, Any] | None = None
    """What else the provider says of the call; as in ``ToolCallDelta``."""
    # Where a format does not tell it, an answer is the same answer.
    after: int | None = field(default=None, compare=False)
    """How many of the answer's blocks were said before it; ``None`` where that is not told: it stands behind all."""

    @property
    def args(self) -> dict[str, Any] | None:
        """The arguments, or ``None`` if they are not a JSON object, or may be half of one."""
        if self.is_cut:
            return None
        try:
            args = from_json(self.arguments)
        except ValueError:
            return None
        return args if isinstance(args, dict) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered, and what the gateway says of it."""

    blocks: tuple[AnswerBlock, ...] = ()
    """Text and thinking in their order."""
    tool_calls: tuple[AnswerToolCall, ...] = ()
    stop_reason: str | None = None
    """The provider's own reason to stop."""
    usage: Usage | None = None
    refusal: str = ""
    """Why the model refused, where the provider says it (OpenAI)."""
    audio: dict[str, Any] | None = None
    """What was spoken, as OpenAI tells it: ``id``, ``data`` (base64), ``transcript``, ``expires_at`` (seconds)."""
    others: tuple[Answer, ...] = ()
    """The other answers, where more than one was asked for (``n``)."""
    hook_results: dict[str, Any] | None = None
    """Guardrail verdicts, such as ``{"before_request_hooks": […], "after_request_hooks": […]}``."""
    extras: dict[str, Any] = field(default_factory=dict)
    """What else the provider says of the answer, by its own names: ``stop_sequence``, ``container`` and the like."""
    model: str = ""
    """The model that answered."""
    provider: str = ""
    """The provider that answered."""
    # Of a whole answer it is the provider's, of a streamed one the gateway's: it says nothing about equality.
    id: str = field(default="", compare=False)
    """The answer's id."""
    info: GatewayInfo = field(default_factory=GatewayInfo, compare=False)
    """What the response headers say of this one call."""

    @property
    def said(self) -> tuple[AnswerBlock | AnswerToolCall, ...]:
        """Blocks and tool calls in the order in which they were said, as far as it was told."""
        said: list[AnswerBlock | AnswerToolCall] = [*self.blocks]
        for count, call in enumerate(self.tool_calls):
            said.insert(len(said) if call.after is None else call.after + count, call)
        return tuple(said)

    @property
    def text(self) -> str:
        """All text, reasoning left out."""
        return "".join(block.text for block in self.blocks if block.type == "text")

    @property
    def finish_reason(self) -> str | None:
        """``stop_reason`` under OpenAI's names."""
        return finish_reason(self.stop_reason)

    @property
    def cost(self) -> Cost | None:
        """What the answer costs; ``None`` where no price is known, or none are installed (extra ``prices``)."""
        return price_call(self.usage, self.info, self.prices)

    @property
    def prices(self) -> Prices | None:
        """What the model's tokens cost now; ``None`` where that is not known."""
        return find_prices(self.info.provider or self.provider, self.model, self.extras)

    def with_headers(self) -> Answer:
        """The answer with the response's headers among its facts."""
        return replace(self, extras={**self.extras, "headers": dict(self.info.headers)})

    def facts(self) -> dict[str, Any]:
        """How the answer ended, what it costs, and what the gateway says of the call; only what is known has a key.

        Where prices are installed and usage is told there is a ``cost``; ``None`` for a model whose price is not known.
        """
        info = self.info
        known = {
            "id": self.id,
            "finish_reason": self.finish_reason,
            "stop_reason": self.stop_reason,
            "provider": info.provider or self.provider,
            "trace_id": info.trace_id,
            "request_id": info.request_id,
            "cache_status": info.cache_status,
            "retry_count": info.retry_count,
            "target_index": info.target_index,
            "hook_results": self.hook_results,
            "status": info.status if info.status != _OK else None,
            **self.extras,
        }
        facts = {name: value for name, value in known.items() if value not in (None, "")}
        return {**facts, "cost": self.cost} if self.usage and has_prices() else facts


def finish_reason(stop_reason: str | None) -> str | None:
    """A provider's own reason to stop under OpenAI's name; ``None`` as long as there is none."""
    return FINISH_REASONS.get(stop_reason, stop_reason) if stop_reason else None
