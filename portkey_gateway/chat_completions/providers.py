"""What chat completions carry to each provider, as data: the encoder goes by it, and ``docs/providers.md`` shows it.

The open-source gateway 1.15.2 rewrites a request for each provider and drops what it has no word for, without a word of
its own. ``source`` names the file of the gateway that says so, below ``src/providers``; what a provider itself refuses
of what arrives is its own documentation's. Nothing is known here of a provider that is not in the table: what is asked
of it goes out as OpenAI would take it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Literal

from portkey_gateway.conversation.media_types import IMAGE_TYPES
from portkey_gateway.models.names import family_of
from portkey_gateway.routing import Route

Medium = Literal["image", "image link", "pdf", "pdf link", "audio", "audio link", "video", "video link", "file id"]
"""Kinds of media in a user message: as data where no link or id is spoken of."""
Form = Literal["image_url", "file", "input_audio", "document_url"]
"""The type of the block in which a medium travels; as data in a data URL, but for ``input_audio``."""

Choice = Literal["auto", "none", "required", "one"]
"""How a model may be told to choose among its tools; ``one`` is one of them by its name."""
SchemaForm = Literal["json_schema", "in json_object", "in words"]
"""Where ``response_format`` says a JSON schema: as OpenAI does, in ``json_object`` (Cohere), or in the prompt only."""

Telling = Literal["whole", "streamed"]
"""How an answer is told."""

_EITHER_WAY: Final[frozenset[Telling]] = frozenset({"whole", "streamed"})
_NEVER: Final[frozenset[Telling]] = frozenset()
_EVERY_CHOICE: Final[frozenset[Choice]] = frozenset({"auto", "none", "required", "one"})
_EVERYBODY: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
_SAMPLING: Final = frozenset({"max_tokens", "temperature", "top_p"})
_TOOLS: Final = frozenset({"tools", "tool_choice"})
_PENALTIES: Final = frozenset({"frequency_penalty", "presence_penalty"})
_LOGPROBS: Final = frozenset({"logprobs", "top_logprobs"})
_AZURE: Final = frozenset(
    {"audio", "function_call", "functions", "logit_bias", "metadata", "modalities", "n", "prediction",
     "prompt_cache_key", "reasoning_effort", "response_format", "safety_identifier", "seed", "stop", "store",
     "stream_options", "user", "verbosity", "web_search_options"}
) | _SAMPLING | _TOOLS | _PENALTIES | _LOGPROBS  # fmt: skip
_OPENAI: Final = _AZURE | {"parallel_tool_calls", "service_tier"}
_GEMINI: Final = (
    frozenset({"modalities", "reasoning_effort", "response_format", "seed", "stop", "thinking", "top_k"})
    | _SAMPLING
    | _TOOLS
    | _LOGPROBS
)
_CONVERSE: Final = (
    frozenset({"additional_model_request_fields", "guardrail_config", "performance_config", "stop"})
    | _SAMPLING
    | _TOOLS
)
_MISTRAL: Final = frozenset({"parallel_tool_calls", "safe_prompt", "seed"}) | _SAMPLING | _TOOLS
_CLAUDE: Final = frozenset({"stop", "thinking", "top_k", "user"}) | _SAMPLING | _TOOLS

_SEES: Final[Mapping[Medium, Form]] = {"image": "image_url", "image link": "image_url"}
_OPENAI_MEDIA: Final[Mapping[Medium, Form]] = {
    **_SEES, "pdf": "file", "audio": "input_audio", "file id": "file",
}  # fmt: skip
_GEMINI_MEDIA: Final[Mapping[Medium, Form]] = {
    **_SEES, "pdf": "image_url", "pdf link": "image_url", "audio": "input_audio", "audio link": "image_url",
    "video": "image_url", "video link": "image_url",
}  # fmt: skip
_CONVERSE_MEDIA: Final[Mapping[Medium, Form]] = {"image": "image_url", "pdf": "image_url", "video": "image_url"}
_MISTRAL_MEDIA: Final[Mapping[Medium, Form]] = {**_SEES, "pdf": "document_url", "pdf link": "document_url"}
_CLAUDE_MEDIA: Final[Mapping[Medium, Form]] = {**_SEES, "pdf": "image_url", "pdf link": "file"}

USUAL_MEDIA: Final[Mapping[Medium, Form]] = {
    "image": "image_url", "image link": "image_url", "pdf": "file", "pdf link": "file", "audio": "input_audio",
    "audio link": "image_url", "video": "image_url", "video link": "image_url", "file id": "file",
}  # fmt: skip
"""Media as OpenAI takes them, and videos as Gemini and Bedrock do, where it is not known what arrives."""
# Image formats, and formats of sound in the words of ``input_audio``, by the providers' own documentation: OpenAI's
# guides "Images and vision" and "Audio and speech", Google's "Image understanding" and "Audio understanding",
# Anthropic's "Vision". Of a GIF the gateway makes a document for Bedrock (``bedrock/chatComplete.ts``).
_OPENAI_IMAGES: Final = IMAGE_TYPES
_OPENAI_SOUNDS: Final = frozenset({"wav", "mp3"})
_CLAUDE_IMAGES: Final = IMAGE_TYPES
_CONVERSE_IMAGES: Final = IMAGE_TYPES - {"image/gif"}
_GEMINI_IMAGES: Final = IMAGE_TYPES - {"image/gif"} | {"image/heic", "image/heif"}
_GEMINI_SOUNDS: Final = frozenset({"wav", "mp3", "x-aac", "opus", "flac", "x-m4a", "pcm16", "webm"})


@dataclass(frozen=True, slots=True)
class Provider:
    """What reaches the models of one provider by way of the gateway's chat completions."""

    name: str
    """As the docs and warnings call it."""
    source: str
    """The file of the gateway that says what is carried."""
    parameters: frozenset[str]
    """Parameters that the gateway carries, beside model, messages and ``stream``; it drops all others."""
    media: Mapping[Medium, Form] = field(default_factory=dict)
    """The media that arrive, and in which form they have to be sent; those without a form do not arrive."""
    images: frozenset[str] | None = None
    """The media types of images that it takes as data; ``None`` where nothing is known of it."""
    sounds: frozenset[str] | None = None
    """The formats of sound that it takes as data; ``None`` where nothing is known of it."""
    _: KW_ONLY
    refuses: frozenset[str] = frozenset()
    """Of these parameters those that the provider itself refuses (Groq: its API reference and "OpenAI compatibility"),
    but for what is so by itself."""
    is_claude: bool = False
    """Whether its models are Claudes, of whom ``losses`` knows more."""
    is_gemini: bool = False
    """Whether its models are Geminis, which take less of a JSON schema than others."""
    one_system: bool = False
    """Whether it takes one system message as one text at the top, and none amid the conversation."""
    texts: frozenset[str] = frozenset()
    """The roles whose content has to be one text."""
    texts_as_documents: bool = False
    """Whether a plain text may be a document."""
    media_in_results: bool = False
    """Whether images and documents arrive in the result of a tool."""
    user_behind_results: bool = True
    """Whether a user's message may follow right behind the results of tools."""
    takes_turns: bool = False
    """Whether users and answers have to take turns, a user first; of users' messages the gateway makes one."""
    takes_names: bool = True
    """Whether it takes a ``name`` on a message."""
    keeps_calls: bool = True
    """Whether it is told of the calls of earlier turns, and of their results as such."""
    keeps_text_beside_calls: bool = True
    """Whether it is told what was said beside a call in an earlier turn."""
    wants_tools_of_calls: bool = False
    """Whether it refuses calls of earlier turns where no tools are offered."""
    wants_call_names: bool = False
    """Whether the result of a tool names the tool."""
    takes_strict: bool = True
    """Whether a tool may say ``strict``; Cohere has a parameter of its own for it (``strict_tools``)."""
    wants_parameters: bool = False
    """Whether a tool needs a schema, and may have no empty description."""
    call_id: str | None = None
    """What the ids of calls have to look like, where it is not what all others take."""
    choices: frozenset[Choice] = _EVERY_CHOICE
    """What it can be told of a choice among the tools, where ``tool_choice`` arrives."""
    schema_form: SchemaForm = "json_schema"
    """How it takes the JSON schema of an answer, where ``response_format`` arrives."""
    binds_beside_tools: bool = True
    """Whether it binds an answer to a schema where tools are offered, too (Cohere, "Structured Outputs"; Google,
    "Function calling", of all Geminis before 3; Groq, "Structured Outputs")."""
    thoughts: frozenset[Telling] = _EITHER_WAY
    """Whether thoughts are told in whole answers and in streamed ones."""
    most_temperature: float = math.inf
    """The highest temperature that the gateway tells it, but for Claudes; it takes a higher one for this."""
    logprobs: frozenset[Telling] = _EITHER_WAY
    """Whether logprobs are told in whole answers and in streamed ones, where the wish for them arrives."""
    tells_usage_in_streams: bool = True
    """Whether the gateway tells the usage of a stream."""
    takes_marks: bool = False
    """Whether marks for a prompt cache (``cache_control``) mean something to it, as they do to a Claude."""


PROVIDERS: Final[dict[str, Provider]] = {
    "openai": Provider(
        "OpenAI",
        "openai/chatComplete.ts",
        _OPENAI,
        _OPENAI_MEDIA,
        _OPENAI_IMAGES,
        _OPENAI_SOUNDS,
        thoughts=_NEVER,
    ),
    "azure-openai": Provider(
        "Azure OpenAI",
        "azure-openai/chatComplete.ts",
        _AZURE,
        _OPENAI_MEDIA,
        _OPENAI_IMAGES,
        _OPENAI_SOUNDS,
        thoughts=_NEVER,
    ),
    "anthropic": Provider(
        "Claude",
        "anthropic/chatComplete.ts",
        _CLAUDE,
        _CLAUDE_MEDIA,
        _CLAUDE_IMAGES,
        is_claude=True,
        texts_as_documents=True,
        media_in_results=True,
    ),
    "vertex-ai/anthropic": Provider(
        "Claude on Vertex AI",
        "google-vertex-ai/chatComplete.ts",
        _CLAUDE,
        _CLAUDE_MEDIA,
        _CLAUDE_IMAGES,
        is_claude=True,
        texts_as_documents=True,
        media_in_results=True,
    ),
    "bedrock/anthropic": Provider(
        "Claude on Bedrock",
        "bedrock/chatComplete.ts",
        _CONVERSE | {"thinking", "top_k", "user"},
        _CONVERSE_MEDIA,
        _CONVERSE_IMAGES,
        is_claude=True,
        takes_turns=True,
        wants_tools_of_calls=True,
        wants_parameters=True,
        choices=_EVERY_CHOICE - {"none"},
    ),
    "bedrock": Provider(
        "other models on Bedrock",
        "bedrock/chatComplete.ts",
        _CONVERSE,
        _CONVERSE_MEDIA,
        _CONVERSE_IMAGES,
        takes_turns=True,
        wants_tools_of_calls=True,
        wants_parameters=True,
        choices=_EVERY_CHOICE - {"none"},
        takes_marks=True,
    ),
    "google": Provider(
        "Gemini",
        "google/chatComplete.ts",
        _GEMINI | {"image_config"},
        _GEMINI_MEDIA,
        _GEMINI_IMAGES,
        _GEMINI_SOUNDS,
        is_gemini=True,
        one_system=True,
        keeps_text_beside_calls=False,
        wants_call_names=True,
        binds_beside_tools=False,
        logprobs=frozenset({"whole"}),
    ),
    "vertex-ai": Provider(
        "Gemini on Vertex AI",
        "google-vertex-ai/chatComplete.ts",
        _GEMINI | {"labels", "safety_settings"},
        _GEMINI_MEDIA,
        _GEMINI_IMAGES,
        _GEMINI_SOUNDS,
        is_gemini=True,
        one_system=True,
        keeps_text_beside_calls=False,
        wants_call_names=True,
        binds_beside_tools=False,
        logprobs=frozenset({"whole"}),
    ),
    "mistral-ai": Provider(
        "Mistral",
        "mistral-ai/chatComplete.ts",
        _MISTRAL,
        _MISTRAL_MEDIA,
        one_system=True,
        user_behind_results=False,
        takes_names=False,
        call_id="[a-zA-Z0-9]{9}",
        most_temperature=1,
    ),
    "cohere": Provider(
        "Cohere",
        "cohere/chatComplete.ts",
        frozenset({"citation_options", "documents", "k", "response_format", "safety_mode", "seed", "stop", "thinking"})
        | _SAMPLING
        | _TOOLS
        | _PENALTIES,
        _SEES,
        keeps_calls=False,
        choices=_EVERY_CHOICE - {"one"},
        takes_strict=False,
        schema_form="in json_object",
        binds_beside_tools=False,
        thoughts=_NEVER,
    ),
    "deepseek": Provider(
        "DeepSeek",
        "deepseek/chatComplete.ts",
        frozenset({"response_format", "stop"}) | _SAMPLING | _PENALTIES | _LOGPROBS,
        texts=_EVERYBODY,
        schema_form="in words",
        thoughts=frozenset({"streamed"}),
        logprobs=_NEVER,
    ),
    "ollama": Provider(
        "Ollama",
        "ollama/chatComplete.ts",
        frozenset({"response_format", "seed", "stop", "thinking", "tools"}) | _SAMPLING | _PENALTIES,
        {"image": "image_url"},
        tells_usage_in_streams=False,
    ),
    "groq": Provider(
        "Groq",
        "groq/index.ts",
        _OPENAI - {"logprobs", "top_logprobs"},
        _SEES,
        refuses=frozenset(
            {
                "audio",
                "logit_bias",
                "modalities",
                "n",
                "prediction",
                "prompt_cache_key",
                "safety_identifier",
                "verbosity",
                "web_search_options",
            }
        ),
        texts=_EVERYBODY - {"user"},
        takes_names=False,
        binds_beside_tools=False,
        thoughts=frozenset({"whole"}),
    ),
    "azure-ai": Provider(
        "Azure AI",
        "azure-ai-inference/chatComplete.ts",
        _AZURE - {"function_call", "functions"},
        USUAL_MEDIA,
    ),
    "vertex-ai/mistralai": Provider(
        "Mistral on Vertex AI",
        "mistral-ai/chatComplete.ts",
        _MISTRAL,
        _MISTRAL_MEDIA,
        one_system=True,
        user_behind_results=False,
        takes_names=False,
        call_id="[a-zA-Z0-9]{9}",
        most_temperature=1,
    ),
    "vertex-ai/meta": Provider(
        "Llama on Vertex AI",
        "google-vertex-ai/chatComplete.ts",
        _SAMPLING | {"image_config", "top_k"},
        USUAL_MEDIA,
        most_temperature=1,
    ),
    "together-ai": Provider(
        "Together AI",
        "together-ai/chatComplete.ts",
        frozenset({"frequency_penalty", "logprobs", "response_format", "stop", "top_k"}) | _SAMPLING | _TOOLS,
        USUAL_MEDIA,
        logprobs=_NEVER,
    ),
    "fireworks-ai": Provider(
        "Fireworks AI",
        "fireworks-ai/chatComplete.ts",
        frozenset({"n", "response_format", "stop", "tools", "top_k", "user"}) | _SAMPLING | _PENALTIES | _LOGPROBS,
        USUAL_MEDIA,
    ),
    "openrouter": Provider(
        "OpenRouter",
        "openrouter/chatComplete.ts",
        frozenset({"modalities", "reasoning_effort", "response_format", "stream_options"}) | _SAMPLING | _TOOLS,
        USUAL_MEDIA,
        tells_usage_in_streams=False,
    ),
    "perplexity-ai": Provider(
        "Perplexity",
        "perplexity-ai/chatComplete.ts",
        frozenset({"n", "response_format", "top_k", "web_search_options"}) | _SAMPLING | _PENALTIES,
        USUAL_MEDIA,
    ),
    "x-ai": Provider("xAI", "x-ai/index.ts", _OPENAI, USUAL_MEDIA),
    "cerebras": Provider(
        "Cerebras",
        "cerebras/index.ts",
        _OPENAI - _PENALTIES - {"logit_bias", "logprobs", "parallel_tool_calls", "service_tier"},
        USUAL_MEDIA,
    ),
}
"""By the provider's slug, where need be with the maker of the model behind it."""

_BY_FAMILY: Final = {"gemini": "google", "claude": "anthropic"}
_MAKERS: Final = {"bedrock": ("anthropic",), "vertex-ai": ("anthropic", "mistralai", "meta", "endpoints")}
"""Makers of models whose requests the gateway rewrites otherwise, by the provider that serves them."""


def find_provider(provider: str | None, model: str) -> Provider | None:
    """What is known of the provider that answers a target; ``None`` if nothing is.

    Args:
        provider: its slug; ``None``, or one of the model catalog (``@slug``), where the name of the model has to tell.
        model: the name of the model, as the gateway is given it.
    """
    if provider is None or provider.startswith("@"):
        return PROVIDERS.get(_BY_FAMILY.get(family_of(model) or "", ""))
    # Bedrock's names may begin with a region: ``eu.anthropic.claude-…``.
    maker = next((maker for maker in _MAKERS.get(provider, ()) if f"{maker}." in model), None)
    return PROVIDERS.get(f"{provider}/{maker}" if maker else provider)


def providers_of(route: Route) -> tuple[Provider, ...]:
    """What is known of everyone who may answer; those of whom nothing is known are left out."""
    known = [find_provider(provider, model) for provider, model in route.targets]
    return tuple({provider.name: provider for provider in known if provider}.values())
