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
from langchain_core.runnables import ConfigurableField, Runnable, RunnableConfig, ensure_config
from langchain_core.runnables.configurable import RunnableConfigurableFields
from langchain_core.runnables.utils import AnyConfigurableField
from typing_extensions import override

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
# LangChain's names of providers that the gateway 1.15.2 does not have.
_ELSEWHERE: Final = frozenset(
    {"baseten", "bedrock_mantle_anthropic", "bedrock_mantle_openai", "ibm", "langsmith", "litellm", "meta", "nvidia"}
)
# What names of models begin with, too: those of a tuned model, and Amazon's.
_OF_NAMES: Final = frozenset({"ft", "arn"})
# How alike a word has to be to a provider's name to be taken for it, misspelt. "codellama" is not "ollama".
_MISSPELT: Final = 0.85
_NAMED_OTHERWISE: Final = {"model_provider": "provider"}
_NAMES: Final = {
    _OWN: _OWN,
    **{slug.replace("-", "_"): slug for slug in _PROVIDERS.values()},
    **_PROVIDERS,
}


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
        model: ``"anthropic:claude-opus-5-5"``, with LangChain's name of a provider or the gateway's;
            ``"portkey:@slug/name"`` or ``"@slug/name"`` of Portkey's model catalog; or a name alone, which goes where
            the other options say.
        model_provider: LangChain's name of the provider, or the gateway's, where ``model`` does not begin with it.
        configurable_fields: which arguments a call may change (``config={"configurable": {"model": …}}``), ``"any"``
            for all. What a call says of ``model`` and ``model_provider`` is read as here.
        config_prefix: what the keys of ``configurable`` begin with, and an underscore.
        kwargs: further arguments of ``ChatPortkey``.

    Returns:
        The model; with ``configurable_fields`` a runnable that takes its calls, and has ``bind_tools`` and
        ``with_structured_output``, which ask the model that a call names.

    Raises:
        ValueError: if a field is none, an option is not valid, or the name begins with a provider that nobody knows.
    """
    made = ChatPortkey(**_said(model, model_provider), **kwargs)
    if not configurable_fields:
        return made
    names = list(ChatPortkey.model_fields) if configurable_fields == "any" else configurable_fields
    prefix = f"{config_prefix.removesuffix('_')}_" if config_prefix else ""
    fields: dict[str, AnyConfigurableField] = {
        _NAMED_OTHERWISE.get(name, name): ConfigurableField(id=f"{prefix}{name}") for name in names
    }
    made.configurable_fields(**fields)  # refuses a field that is none
    return _Configurable(default=made, fields=fields, prefix=prefix)


def init_embeddings(model: str, *, provider: str | None = None, **kwargs: Any) -> PortkeyEmbeddings:
    """Make embeddings by their model's name, as ``langchain.embeddings.init_embeddings`` does.

    Args:
        model: as of ``init_chat_model``: ``"openai:text-embedding-3-small"``, ``"portkey:@slug/name"``.
        provider: LangChain's name of the provider, or the gateway's, where ``model`` does not begin with it.
        kwargs: further arguments of ``PortkeyEmbeddings``.

    Raises:
        ValueError: if an option is not valid, or the name begins with a provider that nobody knows.
    """
    return PortkeyEmbeddings(**_said(model, provider), **kwargs)


class _Configurable(RunnableConfigurableFields[LanguageModelInput, AIMessage]):
    """Reads what a call says of model and provider as ``init_chat_model`` does."""

    default: ChatPortkey  # pyright: ignore[reportIncompatibleVariableOverride] never set
    prefix: str = ""
    """What the keys of ``configurable`` begin with."""
    bound: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = ()
    """Methods that make another runnable of the model of a call, with what they were given."""

    def bind_tools(self, *given: Any, **named: Any) -> Runnable[LanguageModelInput, AIMessage]:
        """As ``ChatPortkey.bind_tools``, of the model that a call names."""
        return self._binding("bind_tools", given, named)

    def with_structured_output(self, *given: Any, **named: Any) -> Runnable[LanguageModelInput, Any]:
        """As ``ChatPortkey.with_structured_output``, of the model that a call names."""
        return self._binding("with_structured_output", given, named)

    def _binding(self, method: str, given: tuple[Any, ...], named: dict[str, Any]) -> _Configurable:
        getattr(self._of({}), method)(*given, **named)  # refuses at once what is no tool or no schema
        return self.model_copy(update={"bound": (*self.bound, (method, given, named))})

    def _of(self, changes: dict[str, Any]) -> Any:
        made: Any = self.default.with_options(**changes) if changes else self.default
        for method, given, named in self.bound:
            made = getattr(made, method)(*given, **named)
        return made

    @override
    def _prepare(self, config: RunnableConfig | None = None) -> tuple[Runnable[Any, AIMessage], RunnableConfig]:
        config = ensure_config(config)
        said = config.get("configurable", {})
        changes = {field: said[spec.id] for field, spec in self.fields.items() if spec.id in said}
        if "provider" in self.fields:
            changes.setdefault("provider", said.get(f"{self.prefix}model_provider"))
        provider = changes.pop("provider", None)
        if (model := changes.pop("model", None)) is not None:
            if not isinstance(model, str):
                raise ValueError(f"configurable {self.fields['model'].id!r} must be a model's name, not {model!r}")
            changes |= _named(model, provider)
        elif provider is not None:
            changes["provider"] = _provider(provider)
        return self._of(changes), config


def _said(model: str, provider: str | None) -> dict[str, Any]:
    return {name: value for name, value in _named(model, provider).items() if value is not None}


def _named(model: str, provider: str | None) -> dict[str, Any]:
    """Model and provider as the gateway knows them; the provider is ``None`` where the model brings its own."""
    begins, colon, rest = model.partition(":")
    if provider is None and colon:
        if (known := _known(begins)) is not None:
            return {"model": rest, "provider": None if known == _OWN else known}
        _check_beginning(model, begins, rest)
    if provider is None:
        return {"model": model}
    return {"model": model, "provider": _provider(provider)}


def _provider(said: str) -> str | None:
    """A provider as the gateway calls it, whoever's name of it was said."""
    known = _known(said) or said
    return None if known == _OWN else known


def _known(word: str) -> str | None:
    name = word.lower().replace("-", "_")
    return _NAMES.get(name)


def _check_beginning(model: str, begins: str, rest: str) -> None:
    """Refuse a provider that nobody knows. With Ollama's names of models, what stands before a colon is the model.

    Raises:
        ValueError: with the one that may be meant.
    """
    if begins.lower().replace("-", "_") in _ELSEWHERE:
        raise ValueError(f"model {model!r} begins with {begins!r}, a provider that the gateway does not have")
    if begins in _OF_NAMES or "/" in begins or begins.startswith("@") or family_of(begins) is not None:
        return
    near = difflib.get_close_matches(begins, [_OWN, *_PROVIDERS], n=1)
    is_misspelt = bool(difflib.get_close_matches(begins, near, cutoff=_MISSPELT))
    if is_misspelt or "/" in rest or family_of(rest) is not None:
        hint = f"did you mean {near[0]!r}?" if near else "say it as provider= in the gateway's words"
        raise ValueError(f"model {model!r} begins with {begins!r}, which is no provider of LangChain's: {hint}")
