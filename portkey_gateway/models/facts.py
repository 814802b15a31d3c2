"""What a model is and can, by its name: from the table, and of a Claude also by the rules of its generation. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

from portkey_gateway.models import claude
from portkey_gateway.models.names import Family, family_of
from portkey_gateway.models.table import Row, find_row

UNKNOWN_WINDOW: Final = 32_768
"""Tokens that a model is taken to hold of which nothing is known but that it may be an open one: Mistral 7B, Mixtral,
Qwen 2.5 and Qwen 3 hold so many; the table has the smaller ones."""
_WINDOWS: Final[dict[Family, int]] = {
    "claude": 200_000, "gemini": 1_048_576, "openai": 128_000, "cohere": 128_000, "grok": 128_000, "nova": 128_000,
    "kimi": 128_000, "glm": 128_000, "minimax": 128_000, "sonar": 128_000, "gpt-oss": 128_000, "deepseek": 64_000,
    "llama": 8_192, "gemma": 8_192,
}  # fmt: skip
"""The least that models of such a family hold that the table has of 2024 or later, but for names of their own."""

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model; ``None`` where nothing is. Counts are of tokens."""

    family: Family | None = None
    context_window: int | None = None
    """Of a request and its answer together."""
    max_input_tokens: int | None = None
    """The most of a request: less than the window of OpenAI's models that reason since GPT-5, else the window."""
    max_output_tokens: int | None = None
    takes_images: bool | None = None
    takes_pdfs: bool | None = None
    takes_audio: bool | None = None
    takes_video: bool | None = None
    calls_tools: bool | None = None
    takes_forced_choice: bool | None = None
    """Whether a ``tool_choice`` may make it call a tool."""
    takes_schemas: bool | None = None
    """Whether an answer can be bound to a JSON schema."""
    thinks: bool | None = None
    thinks_adaptively: bool | None = None
    """Whether a Claude's thinking may be ``adaptive``."""
    thinks_by_budget: bool | None = None
    """Whether a Claude's thinking takes ``budget_tokens``."""
    takes_temperature: bool | None = None
    effort_levels: tuple[str, ...] = ()
    """From the least to the most; none for a model that takes none, or of which none are known."""
    dimensions: int | None = None
    """Of an embedding model's vectors."""

    @property
    def input_limit(self) -> int:
        """The most of a request, or what is taken for it where that is not known."""
        return self.max_input_tokens or (_WINDOWS.get(self.family) if self.family else None) or UNKNOWN_WINDOW


def find_facts(model: str, provider: str | None = None, family: Family | None = None) -> ModelFacts:
    """Tell what is known of a model.

    Args:
        model: its name, with or without a catalog's slug, a provider, a cloud's prefix, a date, ``-latest``.
        provider: the provider's slug, which tells the family where the name does not.
        family: the family, where neither tells.
    """
    family = family or family_of(model, provider)
    is_claude = family == "claude"
    row: Row = find_row(model, is_claude=is_claude) or {}
    limit = row.get("input")
    facts: dict[str, Any] = {
        "family": family,
        "context_window": row.get("window", limit),
        "max_input_tokens": limit,
        "max_output_tokens": row.get("output"),
        "effort_levels": tuple(row.get("effort", "").split()),
        "dimensions": row.get("dimensions"),
    }
    for ability, field in _ABILITIES.items():
        facts[field] = _says(row, ability)
    if is_claude and claude.tells_generation(model):
        facts |= {field: rule(model) for field, rule in _RULES.items()}
    return ModelFacts(**facts)


def common_facts(all_facts: Sequence[ModelFacts]) -> ModelFacts:
    """What may be taken for granted where any of several models may answer: the least of them, what all can."""
    if len(all_facts) == 1:
        return all_facts[0]
    shared: dict[str, Any] = {}
    for field in fields(ModelFacts):
        values = [getattr(facts, field.name) for facts in all_facts]
        if field.name == "effort_levels":
            shared[field.name] = tuple(level for level in values[0] if all(level in levels for levels in values))
        elif field.name in {"context_window", "max_input_tokens", "max_output_tokens"}:
            shared[field.name] = min((value for value in values if value), default=None)
        else:
            shared[field.name] = _shared(values)
    return ModelFacts(**shared)


def most_output(model: str) -> int | None:
    """The most tokens that a Claude answers with; ``None`` if that is not known."""
    return (find_row(model, is_claude=True) or {}).get("output")


_ABILITIES: Final = {
    "images": "takes_images",
    "pdfs": "takes_pdfs",
    "audio": "takes_audio",
    "video": "takes_video",
    "tools": "calls_tools",
    "choice": "takes_forced_choice",
    "schemas": "takes_schemas",
    "thinking": "thinks",
    "temperature": "takes_temperature",
}
_RULES: Final = {
    "takes_forced_choice": claude.takes_forced_choice,
    "takes_schemas": claude.takes_schemas,
    "takes_temperature": claude.samples_freely,
    "thinks_adaptively": claude.thinks_adaptively,
    "thinks_by_budget": claude.thinks_by_budget,
    "effort_levels": claude.effort_levels,
}


def _says(row: Row, ability: str) -> bool | None:
    if ability in row.get("can", "").split():
        return True
    return False if ability in row.get("cannot", "").split() else None


def _shared(values: list[ValueT]) -> ValueT | bool | None:
    if any(value is False for value in values):
        return False
    return values[0] if all(value == values[0] for value in values) else None
