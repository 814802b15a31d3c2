"""What each provider embeds in one request, and what the gateway carries to it; ``docs/embeddings.md`` shows it.

The open-source gateway 1.15.2 writes a request anew for each provider and drops what it has no word for. ``source``
names its file, below ``src/providers``; limits are those of the provider's own documentation of its embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_TEXTS: Final = 1000
"""Texts of a request where the provider takes more: what is lost with one that fails stays small."""
UNKNOWN_TEXTS: Final = 96
"""The same where nothing is known of the provider; what takes fewer says so, and the batch is halved."""


@dataclass(frozen=True, slots=True)
class EmbeddingProvider:
    """What is known of one provider's embeddings."""

    name: str
    """As the docs and errors call it."""
    source: str
    """The file of the gateway that says what is carried."""
    texts: int
    """The most texts of one request."""
    tokens: int | None = None
    """The most tokens of one request."""
    dimensions: bool = False
    """Whether the gateway carries the wish for shorter vectors."""
    base64: bool = False
    """Whether vectors may travel as base64."""
    types: tuple[str, str] | None = None
    """What the provider calls documents and queries, where it tells them apart and the gateway carries it."""
    types_field: str = "input_type"
    """Under which name it travels."""
    needs_float: bool = False
    """Whether ``encoding_format`` has to be said."""


_COHERE_TYPES: Final = ("search_document", "search_query")
_GOOGLE_TYPES: Final = ("RETRIEVAL_DOCUMENT", "RETRIEVAL_QUERY")

PROVIDERS: Final[dict[str, EmbeddingProvider]] = {
    "openai": EmbeddingProvider("OpenAI", "openai/embed.ts", 2048, 300_000, dimensions=True, base64=True),
    "azure-openai": EmbeddingProvider(
        "Azure OpenAI", "azure-openai/embed.ts", 2048, 300_000, dimensions=True, base64=True
    ),
    "azure-ai": EmbeddingProvider("Azure AI", "azure-ai-inference/embed.ts", UNKNOWN_TEXTS),
    # One vector is made of all texts of a request.
    "google": EmbeddingProvider("Gemini", "google/embed.ts", 1),
    "vertex-ai": EmbeddingProvider(
        "Vertex AI",
        "google-vertex-ai/embed.ts",
        250,
        20_000,
        dimensions=True,
        types=_GOOGLE_TYPES,
        types_field="task_type",
    ),
    "vertex-ai/gemini": EmbeddingProvider(
        "Gemini on Vertex AI",
        "google-vertex-ai/embed.ts",
        1,
        dimensions=True,
        types=_GOOGLE_TYPES,
        types_field="task_type",
    ),
    # Its API v2 wants to be told the type of the numbers.
    "cohere": EmbeddingProvider("Cohere", "cohere/embed.ts", 96, types=_COHERE_TYPES, needs_float=True),
    "bedrock/cohere": EmbeddingProvider("Cohere on Bedrock", "bedrock/embed.ts", 96, types=_COHERE_TYPES),
    # Of several texts the gateway sends the first.
    "bedrock/amazon": EmbeddingProvider("Titan on Bedrock", "bedrock/embed.ts", 1, dimensions=True),
    "ollama": EmbeddingProvider("Ollama", "ollama/embed.ts", 1),
    "mistral-ai": EmbeddingProvider("Mistral", "mistral-ai/embed.ts", 128, 16_000),
    "voyage": EmbeddingProvider("Voyage", "voyage/embed.ts", 1000, 120_000, types=("document", "query")),
    "jina": EmbeddingProvider("Jina", "jina/embed.ts", UNKNOWN_TEXTS, dimensions=True),
    "nomic": EmbeddingProvider(
        "Nomic", "nomic/embed.ts", UNKNOWN_TEXTS, types=("search_document", "search_query"), types_field="task_type"
    ),
    "together-ai": EmbeddingProvider("Together AI", "together-ai/embed.ts", UNKNOWN_TEXTS),
    "fireworks-ai": EmbeddingProvider("Fireworks AI", "fireworks-ai/embed.ts", UNKNOWN_TEXTS, dimensions=True),
    "workers-ai": EmbeddingProvider("Workers AI", "workers-ai/embed.ts", UNKNOWN_TEXTS),
    "zhipu": EmbeddingProvider("Zhipu", "zhipu/embed.ts", 64),
    "dashscope": EmbeddingProvider("Dashscope", "dashscope/index.ts", 10, dimensions=True),
    "siliconflow": EmbeddingProvider("SiliconFlow", "siliconflow/embed.ts", 32),
}
"""By the provider's slug, where need be with the maker of the model behind it."""

_MAKERS: Final = {"bedrock": ("cohere", "amazon"), "vertex-ai": ("gemini",)}
"""Parts of the names of models that are embedded otherwise, by the provider that serves them."""
_NAMES: Final = (
    ("cohere.embed", "bedrock/cohere"),
    ("titan-embed", "bedrock/amazon"),
    ("gemini-embedding", "google"),
    ("text-embedding-004", "google"),
    ("text-embedding-005", "vertex-ai"),
    ("text-embedding-3", "openai"),
    ("text-embedding-ada", "openai"),
    ("mistral-embed", "mistral-ai"),
    ("codestral-embed", "mistral-ai"),
    ("voyage-", "voyage"),
    ("jina-embeddings", "jina"),
    ("embed-v4", "cohere"),
    ("embed-english", "cohere"),
    ("embed-multilingual", "cohere"),
)
"""Whose models these are, where only the name tells; the first that fits counts."""
# Who serves models of many makers, by a word in the slug that the catalog gives it: the name of a model tells no host.
_HOSTS: Final = (
    ("vertex", "vertex-ai"),
    ("bedrock", "bedrock"),
    ("azure-openai", "azure-openai"),
    ("ollama", "ollama"),
    ("workers-ai", "workers-ai"),
    ("together", "together-ai"),
    ("fireworks", "fireworks-ai"),
    ("siliconflow", "siliconflow"),
)


def find_provider(provider: str | None, model: str) -> EmbeddingProvider | None:
    """What is known of the provider that embeds; ``None`` if nothing is.

    Args:
        provider: its slug; ``None``, or one of the model catalog (``@slug``), whose words are their maker's own: it
            counts where it names a host (``@vertex-prod``), else the name of the model has to tell.
        model: the name of the model, as the gateway is given it; with or without a slug of the catalog.
    """
    model = model.lower()
    if provider is None or provider.startswith("@"):
        if model.startswith("@"):
            provider, _, model = model.partition("/")
        host = next((host for word, host in _HOSTS if word in (provider or "").lower()), None)
        slug = _served_by(host, model) if host else None
        if slug not in PROVIDERS:
            slug = next((slug for part, slug in _NAMES if part in model), None)
    else:
        slug = _served_by(provider, model)
    return PROVIDERS.get(slug) if slug else None


def _served_by(provider: str, model: str) -> str:
    maker = next((maker for maker in _MAKERS.get(provider, ()) if maker in model), None)
    return f"{provider}/{maker}" if maker else provider


def render_table() -> str:
    """Render the table for the docs."""
    rows = [
        f"| {provider.name} | {provider.texts:,} | {_figure(provider.tokens)} | {_mark(provider.dimensions)} | "
        f"{_kinds(provider)} | `{provider.source}` |"
        for provider in PROVIDERS.values()
    ]
    head = "| provider | texts | tokens | `dimensions` | documents and queries | the gateway's file |"
    return "\n".join([head, "|---|---:|---:|---|---|---|", *rows]) + "\n"


def _figure(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _mark(is_so: bool) -> str:
    return "yes" if is_so else "dropped: refused here"


def _kinds(provider: EmbeddingProvider) -> str:
    return f"`{provider.types_field}`: {', '.join(provider.types)}" if provider.types else ""
