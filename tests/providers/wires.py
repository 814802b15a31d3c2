"""Every provider that stands behind the gateway in these tests, by its row in the table of providers."""

from __future__ import annotations

from typing import Final

from tests.providers.claude import Claude, VertexClaude
from tests.providers.cohere import Cohere
from tests.providers.converse import Converse
from tests.providers.emulated import Wire
from tests.providers.gemini import Gemini, VertexGemini
from tests.providers.openai_like import Azure, DeepSeek, Groq, Mistral, Ollama, OpenAI

WIRES: Final[dict[str, type[Wire]]] = {
    "openai": OpenAI,
    "anthropic": Claude,
    "azure-openai": Azure,
    "vertex-ai/anthropic": VertexClaude,
    "bedrock/anthropic": Converse,
    "google": Gemini,
    "vertex-ai": VertexGemini,
    "mistral-ai": Mistral,
    "cohere": Cohere,
    "deepseek": DeepSeek,
    "ollama": Ollama,
    "groq": Groq,
}
"""Over chat completions."""
ASKED: Final[dict[str, type[Wire]]] = {**WIRES, "messages": Claude}
"""All that are asked the same: beside these a Claude in its own format."""
