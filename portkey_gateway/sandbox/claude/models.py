"""What depends on the model: which parameters a Claude of which generation takes.

Sources: langchain-anthropic 1.7.10 (`data/_profiles.py`: most output, effort levels, sampling, system messages amid a
conversation; `chat_models.py`: `_supports_forced_tool_choice`, `_assert_valid_model_configuration`, the descriptions of
`thinking` and `reasoning_effort`), and, where it says nothing, Anthropic's documentation: "Models overview", "Migration
guide", "Effort", "Structured outputs" and "What's new" of each generation.
A model that no source knows, as the next one will be, is taken for the newest generation its name tells.
"""

import re
from typing import Final

from portkey_gateway.sandbox.claude.errors import not_found

_NAME = re.compile(r"claude-(?:[a-z]+-)*?(?P<major>\d+)(?:[-.](?P<minor>\d{1,2})(?!\d))?(?!\d)")

# The most output of older models, by what their names begin with; the first that fits counts.
_MOST_OUTPUT: Final = (
    ("claude-opus-4-5", 64_000),
    ("claude-opus-4", 32_000),
    ("claude-sonnet-4", 64_000),
    ("claude-haiku-4", 64_000),
    ("claude-3-7", 64_000),
    ("claude-3-5", 8_192),
    ("claude-", 4_096),
)
_MOST_OUTPUT_SINCE_4_6: Final = 128_000
_LONG_OUTPUT_BETA: Final = "output-128k-2025-02-19"


def check_model_exists(model: str) -> None:
    """Refuse a model that is no Claude by its name.

    Raises:
        ClaudeError: 404, as Anthropic answers for a model it does not have.
    """
    if not re.fullmatch(r"claude-[a-z0-9.-]+", model):
        raise not_found(f"model: {model}")


def most_output_tokens(model: str, betas: frozenset[str] = frozenset()) -> int:
    """Return the most that `max_tokens` may be. Sonnet 3.7 gives twice as much to those who name its beta."""
    if _generation(model) >= (4, 6):
        return _MOST_OUTPUT_SINCE_4_6
    if model.startswith("claude-3-7") and _LONG_OUTPUT_BETA in betas:
        return _MOST_OUTPUT_SINCE_4_6
    return next(most for beginning, most in _MOST_OUTPUT if model.startswith(beginning))


def most_input_tokens(model: str) -> int:
    """Return how many tokens a request may have: a million since 4.6."""
    return 1_000_000 if _generation(model) >= (4, 6) else 200_000


def samples_freely(model: str) -> bool:
    """Tell whether `temperature`, `top_p` and `top_k` may differ from their defaults: until Opus 4.7."""
    return _generation(model) < ((4, 7) if "opus" in model else (5, 0))


def samples_by_one(model: str) -> bool:
    """Tell whether `temperature` and `top_p` exclude each other: since Opus 4.1."""
    return _generation(model) >= (4, 1)


def continues_prefill(model: str) -> bool:
    """Tell whether the conversation may end with the beginning of Claude's answer: until generation 4.6."""
    return _generation(model) < (4, 6)


def thinks_by_budget(model: str) -> bool:
    """Tell whether thinking takes `enabled` and a budget: until Opus 4.7."""
    return samples_freely(model)


def thinks_adaptively(model: str) -> bool:
    """Tell whether thinking may be `adaptive`: since generation 4.6."""
    return _generation(model) >= (4, 6)


def thinks_unasked(model: str) -> bool:
    """Tell whether adaptive thinking is on where a request says nothing: since generation 5."""
    return _generation(model) >= (5, 0)


def thinks_always(model: str) -> bool:
    """Tell whether thinking cannot be `disabled`: Fable and Mythos, and Opus and Sonnet since 5.5."""
    return "fable" in model or "mythos" in model or ("haiku" not in model and _generation(model) >= (5, 5))


def shows_thinking(model: str) -> bool:
    """Tell whether thoughts are shown where a request does not say how to display them: until Opus 4.7."""
    return samples_freely(model)


def effort_levels(model: str) -> tuple[str, ...]:
    """Return the values of `output_config.effort`; none for a model that does not take it.

    Opus 4.5 was the first to take it, generation 4.6 added `max` and 4.7 `xhigh`. No Haiku of generation 4 takes it.
    """
    generation = _generation(model)
    if generation >= (4, 7):
        return ("low", "medium", "high", "xhigh", "max")
    if generation >= (4, 6):
        return ("low", "medium", "high", "max")
    return ("low", "medium", "high") if model.startswith("claude-opus-4-5") else ()


def takes_forced_choice(model: str) -> bool:
    """Tell whether `tool_choice` may force a tool: not for Fable, Mythos, Opus and Sonnet of the latest versions."""
    latest = (5, 1) if "fable" in model or "mythos" in model else (5, 5)
    return "haiku" in model or _generation(model) < latest


def takes_schemas(model: str) -> bool:
    """Tell whether output and tool inputs can be bound to a schema: since generation 4.5, and Opus 4.1."""
    return _generation(model) >= ((4, 1) if "opus" in model else (4, 5))


def takes_system_amid(model: str) -> bool:
    """Tell whether system messages may stand in a conversation: since Opus 4.8."""
    return _generation(model) >= ((4, 8) if "opus" in model else (5, 0))


def takes_tool_changes(model: str) -> bool:
    """Tell whether those messages may add and remove tools; Sonnet 5 does not take that yet."""
    return takes_system_amid(model) and not ("sonnet" in model and _generation(model) < (5, 5))


def is_fast_in_beta(model: str) -> bool:
    """Tell whether `speed` needs its beta: it came as one, with the last models of generation 4."""
    return _generation(model) < (5, 0)


def _generation(model: str) -> tuple[int, int]:
    """Read `(4, 5)` off `claude-sonnet-4-5-20250929`; a date is no number of a generation."""
    match = _NAME.match(model)
    return (int(match["major"]), int(match["minor"] or 0)) if match else (0, 0)
