"""What depends on the model: which parameters a Claude of which generation takes.

Source: Anthropic's documentation, "Models overview", "Migration guide" and "What's new" of each generation.
"""

import re

from portkey_gateway.sandbox.claude.errors import not_found

_NAME = re.compile(r"claude-(?:[a-z]+-)*?(?P<major>\d+)(?:[-.](?P<minor>\d{1,2})(?!\d))?(?!\d)")


def check_model_exists(model: str) -> None:
    """Refuse a model that is no Claude by its name.

    Raises:
        ClaudeError: 404, as Anthropic answers for a model it does not have.
    """
    if not re.fullmatch(r"claude-[a-z0-9.-]+", model):
        raise not_found(f"model: {model}")


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


def _generation(model: str) -> tuple[int, int]:
    """Read `(4, 5)` off `claude-sonnet-4-5-20250929`; a date is no number of a generation."""
    match = _NAME.match(model)
    return (int(match["major"]), int(match["minor"] or 0)) if match else (0, 0)
