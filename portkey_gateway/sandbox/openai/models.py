"""What depends on the model: which there are, and which parameters and content each takes.

The names are those of `openai.types.ChatModel` and `openai.types.EmbeddingModel`, and of the models for sound, which
are not among them, those of its page "Models". Source of the rest: OpenAI's
documentation, "Models", "Reasoning models", "Structured Outputs", and the guides of each generation.
"""

import re
from typing import Final, get_args

from openai.types import ChatModel, EmbeddingModel

from portkey_gateway.sandbox.openai.errors import OpenAIError

CHAT_MODELS: Final[tuple[str, ...]] = (*get_args(ChatModel), "gpt-audio", "gpt-audio-mini", "gpt-audio-1.5")
EMBEDDING_SIZES: Final[dict[EmbeddingModel, int]] = {
    "text-embedding-ada-002": 1536,
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
}
"""How many dimensions the vectors of each embedding model have."""

# An alias points to the newest dated name, but for this one.
_SNAPSHOTS: Final = {"gpt-4o": "gpt-4o-2024-08-06"}
_DATE: Final = re.compile(r"-\d{4}-\d{2}-\d{2}")
_GPT: Final = re.compile(r"gpt-(\d+)(?:\.(\d+))?(?![\do])")
_O_SERIES: Final = re.compile(r"o\d")
_OLDEST: Final = re.compile(r"gpt-3\.5|gpt-4(?:-|$)")
_AUDIO: Final = re.compile(r"audio")
_BLIND: Final = re.compile(r"gpt-3\.5|gpt-4(?:-\d{4}|-32k|$)|o3-mini|o1-mini|o1-preview|.*audio|codex")
# Most tokens of an answer and of everything together; the first that fits counts.
_LIMITS: Final = tuple(
    (re.compile(pattern), output, context)
    for pattern, output, context in (
        (r"gpt-3\.5", 4096, 16_385),
        (r"gpt-4-(?:turbo|1106|0125|vision)", 4096, 128_000),
        (r"gpt-4-32k", 8192, 32_768),
        (r"gpt-4(?:-|$)", 8192, 8192),
        (r"gpt-4\.1", 32_768, 1_047_576),
        (r"o\d", 100_000, 200_000),
        (r"gpt-5(?:\.\d)?-chat", 16_384, 128_000),
        (r"gpt-5(?!\.[4-9])", 128_000, 400_000),
        (r"gpt-[5-9]", 128_000, 1_050_000),
        (r"", 16_384, 128_000),
    )
)
_EFFORTS: Final = (
    (re.compile(r"o\d|gpt-5(?:\.1)?-codex(?!-max)"), ("low", "medium", "high")),
    (re.compile(r"gpt-5\.[12]-codex"), ("low", "medium", "high", "xhigh")),
    (re.compile(r"gpt-5\.[2-5]-pro"), ("medium", "high", "xhigh")),
    (re.compile(r"gpt-6-astra|gpt-6\.1-sol"), ("low", "medium", "high", "xhigh", "max")),
    (re.compile(r"gpt-5\.1"), ("none", "low", "medium", "high")),
    (re.compile(r"gpt-5(?!\.)"), ("minimal", "low", "medium", "high")),
    (re.compile(r"gpt-5\.[2-5]"), ("none", "low", "medium", "high", "xhigh")),
    (re.compile(r""), ("none", "low", "medium", "high", "xhigh", "max")),
)
_FIRST_WITHOUT_EFFORT: Final = (5, 1)
_FIRST_WITH_BREAKPOINTS: Final = (5, 6)
_FIRST_REASONING: Final = (5, 0)


def check_chat_model(model: str) -> None:
    """Refuse a model that is none, or none for chats.

    Raises:
        OpenAIError: 404, as OpenAI answers for both.
    """
    if model in EMBEDDING_SIZES:
        raise OpenAIError(
            404,
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?",
            param="model",
        )
    if model not in CHAT_MODELS:
        raise unknown_model(model)


def unknown_model(model: str) -> OpenAIError:
    """Return the error for a model that is none."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return OpenAIError(404, message, code="model_not_found")


def snapshot(model: str) -> str:
    """Return the dated name that an answer of this model bears."""
    dated = [name for name in CHAT_MODELS if name.startswith(model) and _DATE.fullmatch(name.removeprefix(model))]
    return _SNAPSHOTS.get(model) or max(dated, default=model)


def reasons(model: str) -> bool:
    """Tell whether it is a reasoning model."""
    return bool(_O_SERIES.match(model)) or (_generation(model) >= _FIRST_REASONING and "-chat" not in model)


def is_o_series(model: str) -> bool:
    """Tell whether it is one of the first reasoning models, which take least."""
    return bool(_O_SERIES.match(model))


def efforts(model: str) -> tuple[str, ...]:
    """Return the values of `reasoning_effort` that a reasoning model takes."""
    return next(values for pattern, values in _EFFORTS if pattern.match(model))


def default_effort(model: str) -> str:
    """Return the effort of a reasoning model that was not told any: none from GPT-5.1 to 5.4, else medium."""
    is_without = _FIRST_WITHOUT_EFFORT <= _generation(model) <= (5, 4) and "none" in efforts(model)
    return "none" if is_without else "medium"


def sees(model: str) -> bool:
    """Tell whether it takes images and PDFs."""
    return not _BLIND.match(model)


def hears(model: str) -> bool:
    """Tell whether it takes and gives audio."""
    return bool(_AUDIO.search(model))


def takes_verbosity(model: str) -> bool:
    """Tell whether `verbosity` may differ from its default."""
    return _generation(model) >= _FIRST_REASONING and "-chat" not in model


def takes_breakpoints(model: str) -> bool:
    """Tell whether it takes `prompt_cache_options` and explicit cache breakpoints."""
    return _generation(model) >= _FIRST_WITH_BREAKPOINTS


def binds_to_schema(model: str) -> bool:
    """Tell whether `response_format` may be `json_schema`."""
    return not _OLDEST.match(model) and model not in {"gpt-4o-2024-05-13", "o1-mini", "o1-preview"}


def max_output_tokens(model: str) -> int:
    """Return how many tokens an answer may have at most."""
    return next(output for pattern, output, _ in _LIMITS if pattern.match(model))


def max_context_tokens(model: str) -> int:
    """Return how many tokens a request and its answer may have together."""
    return next(context for pattern, _, context in _LIMITS if pattern.match(model))


def _generation(model: str) -> tuple[int, int]:
    match = _GPT.match(model)
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)
