"""Whose model a name means, however people write it: with a catalog's slug, a provider's prefix, a cloud's. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args

Family: TypeAlias = Literal[
    "claude", "openai", "gemini", "mistral", "cohere", "deepseek", "llama", "grok", "qwen", "nova", "titan", "kimi",
    "glm", "minimax", "sonar", "gemma", "gpt-oss",
]  # fmt: skip
"""Whose models a model belongs to: what they take, and how they take it, is alike."""
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)

# Patterns are compiled when they are first asked: an import must not wait for them.
# By how the names of a family begin. What merely speaks of another one, as `qwen3-claude-distill`, is none of it.
_BEGINNINGS: Final[dict[Family, str]] = {
    "claude": r"claude(?![a-z])",
    "gpt-oss": r"gpt-oss",
    "openai": r"gpt-(?!neo|j|sw|jt)|chatgpt-|o[1-9](?:-|$)|text-embedding-(?:ada|3)|codex-|computer-use",
    "gemini": r"gemini",
    "gemma": r"gemma",
    "mistral": r"(?:open-|labs-)?(?:mi[sx]tral|ministral|magistral|codestral|devstral|pixtral|voxtral)",
    "cohere": r"(?:command|c4ai)(?:-|$)|(?:embed|rerank)-(?:v\d|english|multilingual)",
    "deepseek": r"deepseek",
    "llama": r"(?:meta-)?llama",
    "grok": r"grok",
    "qwen": r"qwen|qwq|qvq",
    "nova": r"nova-",
    "titan": r"titan-",
    "kimi": r"kimi|moonshot-",
    "glm": r"glm-",
    "minimax": r"minimax",
    "sonar": r"sonar",
}
# Providers that serve one family, where the name of a model tells none.
_SERVES: Final[dict[str, Family]] = {
    "anthropic": "claude",
    "openai": "openai",
    "azure-openai": "openai",
    "google": "gemini",
    "mistral-ai": "mistral",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "x-ai": "grok",
    "perplexity-ai": "sonar",
}
# A region of Bedrock's, and who made the model, as Bedrock and some users of Vertex AI write it.
_REGION: Final = r"(?:us|us-gov|eu|apac|ap|jp|au|ca|sa|af|me|global|regional)\."
_CLOUD: Final = (
    rf"(?:{_REGION})?"
    r"(?:anthropic|amazon|meta|mistral|cohere|openai|google|qwen|moonshot|moonshotai|zai|minimax|nvidia|ai21|writer)\."
    # DeepSeek's models have no other name: what stands after it is but a number.
    rf"|{_REGION}(?=deepseek\.)|databricks-|cohere-(?=command)"
)
_FINE_TUNED: Final = "ft:"


@lru_cache(maxsize=1024)
def own_name(model: str) -> str:
    """The name without what stands before it: a catalog's slug, providers, a cloud's region and vendor; lower case.

    What a fine-tuned model of OpenAI's was made of is its name here.
    """
    name = model.strip().lower().rstrip("/").rpartition("/")[2]
    if name.startswith(_FINE_TUNED):
        name = name.split(":")[1]
    found = re.match(_CLOUD, name)
    return name[found.end() :] if found else name


def family_of(model: str, provider: str | None = None) -> Family | None:
    """Tell whose model a request means, by its name, else by a provider that serves one family alone.

    A name from the model catalog, ``@slug/name``, brings its own provider. Of Anthropic every model is a Claude.

    Args:
        model: the name, however it is written.
        provider: the provider's slug, where the options name one.
    """
    if model.startswith("@"):
        provider = None
    if provider == "anthropic":
        return "claude"
    return _family_by_name(model) or _SERVES.get(provider or "")


@lru_cache(maxsize=1024)
def _family_by_name(model: str) -> Family | None:
    name = own_name(model)
    return next((family for family, beginning in _BEGINNINGS.items() if re.match(beginning, name)), None)


# What follows the name itself, from the outermost on: Bedrock's version, Vertex AI's, a variant of OpenRouter's or a
# tag of Ollama's; the date of a snapshot; its state.
_ENDINGS: Final = (
    r":\d+(?::\d+k)?$|@(?:default|latest|\d{8})$|:[a-z0-9][a-z0-9_.-]*$",
    r"-v\d$|(?<=\db)-1$",
    r"-(?:\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{3,4})(?:-preview)?$",
    r"-(?:latest|preview(?:-\d{2}-\d{2})?|exp|beta)$",
)
# What Ollama calls `gpt-oss:20b` is `gpt-oss-20b` to others; what stands after the size is a build of it.
_SIZE: Final = r":((?:\d+x)?\d+(?:\.\d+)?[bmt])(?=-|$)"
# Whoever serves a Llama writes its generation in another way; its size, which may follow, is none.
_LLAMA: Final = r"(?:meta-)?llama-?v?(\d)(?:[.p-](\d)(?!\d*b))?(?=[-:]|$)"
# Azure's deployments are called after models without their dots.
_UNDOTTED: Final = r"^gpt-(\d)-?(\d)(?=-|$)"
_NUMBERED: Final = r"deepseek\.(?=[rv]\d)"


def spellings(model: str) -> tuple[str, ...]:
    """The names under which a table may have a model, from the exact one to the one without version, date and state."""
    names = [re.sub(_NUMBERED, "deepseek-", own_name(model))]
    names.append(re.sub(_UNDOTTED, r"gpt-\1.\2", names[-1]))
    sized = re.sub(_SIZE, r"-\1", names[-1])
    unbuilt = re.sub(f"{_SIZE}.*$", r"-\1", names[-1])
    for ending in _ENDINGS:
        names.append(re.sub(ending, "", names[-1]))
    if found := re.match(_LLAMA, names[0]):
        names.append(f"llama{found[1]}.{found[2]}" if found[2] else f"llama{found[1]}")
    return tuple(dict.fromkeys([*names[:2], sized, unbuilt, *names[2:]]))
