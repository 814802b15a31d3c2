"""LangChain's ``init_chat_model`` and ``init_embeddings`` for models behind the gateway.

LangChain's own know a closed list of providers (``langchain`` 1.4.7), of which Portkey is none, and nothing public adds
to it. With the import line changed, the same calls go through the gateway.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Final, Literal

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import ConfigurableField, Runnable

from portkey_gateway.models.names import family_of
from portkey_langchain.chat_model import ChatPortkey
from portkey_langchain.embeddings import PortkeyEmbeddings

_OWN: Final = "portkey"
# LangChain's names of providers that the gateway has, and the gateway's own.
_PROVIDERS: Final = {
    "anthropic": "anthropic",
    "anthropic_bedrock": "bedrock",
    "azure_ai": "azure-ai",
    "azure_openai": "azure-openai",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks-ai",
    "google_anthropic_vertex": "vertex-ai",
    "google_genai": "google",
    "google_vertexai": "vertex-ai",
    "groq": "groq",
    "huggingface": "huggingface",
    "mistralai": "mistral-ai",
    "ollama": "ollama",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity-ai",
    "together": "together-ai",
    "upstage": "upstage",
    "xai": "x-ai",
}
# A name that was tuned begins with it.
_OF_NAMES: Final = frozenset({"ft"})
_NAMED_OTHERWISE: Final = {"model_provider": "provider"}


def init_chat_model(
    model: str,
    *,
    model_provider: str | None = None,
    configurable_fields: Literal["any"] | Sequence[str] | None = None,
    config_prefix: str | None = None,
    **kwargs: Any,
) -> ChatPortkey | Runnable[LanguageModelInput, AIMessage]:
    """Make a chat model by its name, as ``langchain.chat_models.init_chat_model`` does.

    Args:
        model: ``"anthropic:claude-opus-5-5"``, with LangChain's name of a provider; ``"portkey:@slug/name"`` or
            ``"@slug/name"`` of Portkey's model catalog; or a name alone, which goes where the other options say.
        model_provider: LangChain's name of the provider, or the gateway's, where ``model`` does not begin with it.
        configurable_fields: which arguments a call may change (``config={"configurable": {"model": …}}``), ``"any"``
            for all.
        config_prefix: what the keys of ``configurable`` begin with, and an underscore.
        kwargs: further arguments of ``ChatPortkey``.

    Returns:
        The model; with ``configurable_fields`` a runnable that takes its calls. Bind tools before, by ``ChatPortkey``.

    Raises:
        ValueError: if a field is none, an option is not valid, or the name begins with a provider that nobody knows.
    """
    made = ChatPortkey(**_named(model, model_provider), **kwargs)
    if not configurable_fields:
        return made
    names = list(ChatPortkey.model_fields) if configurable_fields == "any" else configurable_fields
    prefix = f"{config_prefix.removesuffix('_')}_" if config_prefix else ""
    fields = {_NAMED_OTHERWISE.get(name, name): ConfigurableField(id=f"{prefix}{name}") for name in names}
    return made.configurable_fields(**fields)


def init_embeddings(model: str, *, provider: str | None = None, **kwargs: Any) -> PortkeyEmbeddings:
    """Make embeddings by their model's name, as ``langchain.embeddings.init_embeddings`` does.

    Args:
        model: as of ``init_chat_model``: ``"openai:text-embedding-3-small"``, ``"portkey:@slug/name"``.
        provider: LangChain's name of the provider, or the gateway's, where ``model`` does not begin with it.
        kwargs: further arguments of ``PortkeyEmbeddings``.

    Raises:
        ValueError: if an option is not valid, or the name begins with a provider that nobody knows.
    """
    return PortkeyEmbeddings(**_named(model, provider), **kwargs)


def _named(model: str, provider: str | None) -> dict[str, Any]:
    """Model and provider as the gateway knows them."""
    begins, colon, rest = model.partition(":")
    if provider is None and colon and begins in {_OWN, *_PROVIDERS}:
        provider, model = begins, rest
    elif provider is None and _is_a_provider(begins, rest):
        near = difflib.get_close_matches(begins, [_OWN, *_PROVIDERS], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "say it as provider= in the gateway's words"
        raise ValueError(f"model {model!r} begins with {begins!r}, which is no provider of LangChain's: {hint}")
    if provider is None or provider == _OWN:
        return {"model": model}
    return {"model": model, "provider": _PROVIDERS.get(provider.replace("-", "_"), provider)}


def _is_a_provider(begins: str, rest: str) -> bool:
    """Tell whether what stands before a colon is meant as a provider: Ollama's tags follow the model's own name."""
    return begins not in _OF_NAMES and family_of(begins) is None and family_of(rest) is not None
