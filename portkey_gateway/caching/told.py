"""What an answer says of its usage, in whichever framework's class it comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from portkey_gateway.conversation.answer import Answer
from portkey_gateway.conversation.usage import Usage
from portkey_gateway.errors import EncodingError
from portkey_gateway.info import GatewayInfo
from portkey_gateway.prices import Prices, find_prices

_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Told:
    """Who answered, and what it took."""

    usage: Usage | None
    model: str = ""
    provider: str = ""
    is_cached: bool = False
    """Whether the gateway's response cache answered."""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prices(self) -> Prices | None:
        """What the model's tokens cost; ``None`` where that is not known."""
        return find_prices(self.provider, self.model, self.facts)


def read_answers(answers: Any) -> Iterator[Told]:
    """Read one answer, or those among several.

    Args:
        answers: an ``Answer``; LangChain's message; LlamaIndex's response, or its ``raw``; a list of them, or what an
            agent gave (``{"messages": […]}``), of which what is no answer is passed over.

    Raises:
        EncodingError: if it is nothing of these.
    """
    if isinstance(answers, Mapping) and "messages" in answers:
        answers = answers["messages"]
    if isinstance(answers, (list, tuple)):
        for each in answers:
            if (told := _read(each)) is not None:
                yield told
        return
    one = _read(answers)
    if one is None:
        raise EncodingError(
            f"a {type(answers).__name__} tells no usage: give an Answer, a LangChain message, a LlamaIndex response or "
            "a list of them"
        )
    yield one


def _read(answer: Any) -> Told | None:
    if isinstance(answer, Answer):
        return Told(
            answer.usage,
            answer.model,
            answer.info.provider or answer.provider,
            answer.info.is_cached,
            answer.extras,
        )
    raw = answer if isinstance(answer, Mapping) else getattr(answer, "raw", None)
    if isinstance(raw, Mapping) and isinstance(raw.get("model"), str):
        return _told(_read_raw_usage(raw.get("usage")), raw, raw["model"])
    metadata = getattr(answer, "response_metadata", None)
    usage = getattr(answer, "usage_metadata", _NOTHING)
    if isinstance(metadata, Mapping) and usage is not _NOTHING:
        name = metadata.get("model_name") or metadata.get("model") or ""
        return _told(_read_usage_metadata(usage), metadata, str(name))
    return None


def _told(usage: Usage | None, facts: Mapping[str, Any], model: str) -> Told:
    # LangChain's own classes tell the provider by another name; ours say "portkey" there.
    provider = facts.get("provider") or facts.get("model_provider") or ""
    info = GatewayInfo(cache_status=facts.get("cache_status"))
    return Told(usage, model, "" if provider == "portkey" else str(provider), info.is_cached, facts)


def _read_raw_usage(usage: Any) -> Usage | None:
    if not isinstance(usage, Mapping):
        return None
    return Usage(**{name: usage[name] for name in Usage.__dataclass_fields__ if isinstance(usage.get(name), int)})


def _read_usage_metadata(usage: Any) -> Usage | None:
    """LangChain's usage: what is kept for how long stands beside the rest of what was written, not in it."""
    if not isinstance(usage, Mapping):
        return None
    details = usage.get("input_token_details") or {}
    hour = details.get("ephemeral_1h_input_tokens") or 0
    written = (details.get("cache_creation") or 0) + (details.get("ephemeral_5m_input_tokens") or 0) + hour
    return Usage(
        input_tokens=usage.get("input_tokens") or 0,
        output_tokens=usage.get("output_tokens") or 0,
        cache_read_tokens=details.get("cache_read") or 0,
        cache_write_tokens=written,
        cache_write_1h_tokens=hour,
        reasoning_tokens=(usage.get("output_token_details") or {}).get("reasoning") or 0,
    )
