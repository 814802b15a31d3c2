"""Names of models as people write them: whose they are, and how much goes in and comes out.

The sources are those of the table: the model profiles of LangChain's packages, which come from models.dev, litellm and
genai-prices; what these do not have stands in `scripts/models_supplement.toml` with its own source. The figures are
written here once more, so that a new table cannot change them unseen.
"""

from __future__ import annotations

import pytest

from portkey_gateway.models.facts import find_facts
from portkey_gateway.models.names import FAMILIES, family_of, own_name

ANTHROPIC = "langchain-anthropic 1.7.10"
OPENAI = "langchain-openai 1.7.4; the window of models that reason: genai-prices 0.2.3"
GOOGLE = "langchain-google-genai 4.4.3"
SUPPLEMENT = "scripts/models_supplement.toml, which says where each is said"
RESERVED = "langchain-openai 1.7.4, of whose window the answer's part is kept: models.dev has the same"
RETIRED = "litellm 1.74.0"
UNKNOWN = "no source"

# Name, family, window, the most of a request, the most of an answer, source.
NAMES = [
    ("@anthropic-prod/claude-opus-5-5", "claude", 1_000_000, 1_000_000, 128_000, ANTHROPIC),
    ("claude-sonnet-5-5", "claude", 1_000_000, 1_000_000, 128_000, ANTHROPIC),
    ("claude-haiku-5-5-20261007", "claude", 1_000_000, 1_000_000, 128_000, ANTHROPIC),
    ("claude-sonnet-4-6", "claude", 1_000_000, 1_000_000, 128_000, ANTHROPIC),
    ("anthropic/claude-opus-4.5", "claude", 200_000, 200_000, 64_000, ANTHROPIC),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude", 200_000, 200_000, 64_000, ANTHROPIC),
    ("anthropic.claude-sonnet-4-5@20250929", "claude", 200_000, 200_000, 64_000, ANTHROPIC),
    ("claude-opus-5@default", "claude", 1_000_000, 1_000_000, 128_000, ANTHROPIC),
    ("global.anthropic.claude-opus-4-6-v1", "claude", 1_000_000, 1_000_000, 128_000, ANTHROPIC),
    ("anthropic/claude-opus-4.1:thinking", "claude", 200_000, 200_000, 32_000, SUPPLEMENT),
    ("claude-3-5-sonnet-latest", "claude", 200_000, 200_000, 8_192, SUPPLEMENT),
    ("databricks-claude-3-7-sonnet", "claude", 200_000, 200_000, 64_000, SUPPLEMENT),
    ("claude-fable-5-2", "claude", 1_000_000, 1_000_000, None, "genai-prices 0.2.3, which has windows only"),
    ("claude-mythos-5", "claude", None, None, None, UNKNOWN),
    ("gpt-5", "openai", 400_000, 272_000, 128_000, OPENAI),
    ("gpt-5.2", "openai", 400_000, 272_000, 128_000, OPENAI),
    ("gpt-5-2", "openai", 400_000, 272_000, 128_000, OPENAI),
    ("@openai-prod/gpt-5.2-2025-12-11", "openai", 400_000, 272_000, 128_000, OPENAI),
    ("gpt-6-sol", "openai", 1_050_000, 922_000, 128_000, RESERVED),
    ("gpt-5.4", "openai", 1_050_000, 922_000, 128_000, RESERVED),
    ("gpt-5.4-mini", "openai", 400_000, 272_000, 128_000, RESERVED),
    ("gpt-5-pro", "openai", 400_000, 272_000, 128_000, SUPPLEMENT),
    ("gpt-5-codex", "openai", 400_000, 272_000, 128_000, SUPPLEMENT),
    ("gpt-3.5-turbo-0613", "openai", 4_097, 4_097, 4_096, SUPPLEMENT),
    ("gpt-4-0613", "openai", 8_192, 8_192, 8_192, OPENAI),
    ("gpt-4.5-preview", "openai", 128_000, 128_000, 16_384, RETIRED),
    ("claude-instant-1.2", "claude", 100_000, 100_000, None, RETIRED),
    ("claude-2.1", "claude", 200_000, 200_000, None, RETIRED),
    ("mixtral-8x7b-32768", "mistral", 32_768, 32_768, None, RETIRED),
    ("mistral.mistral-small-2402-v1:0", "mistral", 32_000, 32_000, 8_191, RETIRED),
    ("deepseek-chat", "deepseek", 131_072, 131_072, 8_192, SUPPLEMENT),
    ("us.deepseek.r1-v1:0", "deepseek", 128_000, 128_000, 32_768, "langchain-aws 1.9.1"),
    ("deepseek.r1-v1:0", "deepseek", 128_000, 128_000, 32_768, "langchain-aws 1.9.1"),
    ("gpt-oss:20b", "gpt-oss", 131_072, 131_072, 65_536, "langchain-groq 1.1.3"),
    ("llama3:8b", "llama", 8_192, 8_192, None, SUPPLEMENT),
    ("llama3.1:8b-instruct-q4_K_M", "llama", 128_000, 128_000, None, SUPPLEMENT),
    ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "llama", 128_000, 128_000, None, SUPPLEMENT),
    ("accounts/fireworks/models/llama-v3p1-405b-instruct", "llama", 128_000, 128_000, None, SUPPLEMENT),
    ("databricks-meta-llama-3-1-8b-instruct", "llama", 128_000, 128_000, None, SUPPLEMENT),
    ("llama3.2-vision:11b", "llama", 128_000, 128_000, None, SUPPLEMENT),
    ("meta-llama/Meta-Llama-3-70B-Instruct", "llama", 8_192, 8_192, None, SUPPLEMENT),
    ("llama-2-70b-chat", "llama", 4_096, 4_096, None, SUPPLEMENT),
    ("llama-9-70b", "llama", None, None, None, UNKNOWN),
    ("command", "cohere", 4_096, 4_096, None, SUPPLEMENT),
    ("gemma2:9b", "gemma", 8_192, 8_192, None, SUPPLEMENT),
    ("gemma3:1b", "gemma", 32_768, 32_768, None, SUPPLEMENT),
    ("gemma3:1b-it-qat", "gemma", 32_768, 32_768, None, SUPPLEMENT),
    ("gemma3:27b", "gemma", 131_072, 131_072, None, SUPPLEMENT),
    ("mistral:7b", "mistral", 32_768, 32_768, None, SUPPLEMENT),
    ("mixtral:8x22b", "mistral", 65_536, 65_536, None, SUPPLEMENT),
    ("mixtral:8x22b-instruct-v0.1-q4_0", "mistral", 65_536, 65_536, None, SUPPLEMENT),
    ("mixtral:8x7b", "mistral", 32_768, 32_768, None, SUPPLEMENT),
    ("qwen3:8b", "qwen", 32_768, 32_768, 8_192, SUPPLEMENT),
    ("Qwen/Qwen3-32B", "qwen", 32_768, 32_768, 16_384, SUPPLEMENT),
    ("qwen3:latest", "qwen", 32_768, 32_768, None, SUPPLEMENT),
    ("amazon.titan-text-premier-v1:0", "titan", 32_000, 32_000, 3_072, SUPPLEMENT),
    ("amazon.titan-text-express-v1", "titan", 8_192, 8_192, 8_192, SUPPLEMENT),
    ("amazon.titan-text-lite-v1", "titan", 4_096, 4_096, 4_096, SUPPLEMENT),
    ("x-ai/grok-4.1-fast", "grok", 2_000_000, 2_000_000, None, SUPPLEMENT),
    (
        "Cohere-command-r-plus-08-2024",
        "cohere",
        128_000,
        128_000,
        4_000,
        "langchain's profiles, as of Cohere's own name",
    ),
    ("Cohere-command-a", "cohere", 256_000, 256_000, 8_000, SUPPLEMENT),
    ("qwen2.5:7b", "qwen", 32_768, 32_768, None, SUPPLEMENT),
    ("phi3:mini", None, None, None, None, UNKNOWN),
    ("openai/gpt-4o", "openai", 128_000, 128_000, 16_384, OPENAI),
    ("gpt-4o-2024-05-13", "openai", 128_000, 128_000, 4_096, OPENAI),
    ("ft:gpt-4o-mini-2024-07-18:acme::Bx1", "openai", 128_000, 128_000, 16_384, OPENAI),
    ("gpt-35-turbo", "openai", 16_385, 16_385, 4_096, OPENAI),
    ("gpt-4-1106-preview", "openai", 128_000, 128_000, 4_096, SUPPLEMENT),
    ("gpt-5-chat-latest", "openai", 128_000, 128_000, 16_384, SUPPLEMENT),
    ("o3-mini-2025-01-31", "openai", 200_000, 200_000, 100_000, OPENAI),
    ("gemini-3-pro-preview", "gemini", 1_048_576, 1_048_576, 65_536, SUPPLEMENT),
    ("models/gemini-2.5-pro", "gemini", 1_048_576, 1_048_576, 65_536, GOOGLE),
    ("gemini-2.5-flash-preview-09-2025", "gemini", 1_048_576, 1_048_576, 65_536, GOOGLE),
    ("gemini-2.0-flash-001", "gemini", 1_048_576, 1_048_576, 8_192, SUPPLEMENT),
    ("mistral-large-2411", "mistral", 131_072, 131_072, 16_384, "langchain-mistralai 1.1.6"),
    ("eu.amazon.nova-pro-v1:0", "nova", 300_000, 300_000, 10_000, "langchain-aws 1.9.1"),
    ("us.meta.llama3-3-70b-instruct-v1:0", "llama", 128_000, 128_000, 4_096, "langchain-aws 1.9.1"),
    ("llama-3.3-70b-versatile", "llama", 131_072, 131_072, 32_768, "langchain-groq 1.1.3"),
    ("openai/gpt-oss-120b", "gpt-oss", 131_072, 131_072, 65_536, "langchain-groq 1.1.3"),
    ("command-r-plus", "cohere", 128_000, 128_000, 4_096, SUPPLEMENT),
    ("grok-4-0709", "grok", 256_000, 256_000, None, "genai-prices 0.2.3, which has windows only"),
    ("sonar-pro", "sonar", 200_000, 200_000, 8_192, "langchain-perplexity 1.4.2"),
    ("prod-7", None, None, None, None, UNKNOWN),
]


@pytest.mark.parametrize(("name", "told", "source"), [(name, told, source) for name, *told, source in NAMES])
def test_a_name_as_people_write_it_says_whose_it_is_and_how_much_it_takes(
    name: str, told: list[object], source: str
) -> None:
    facts = find_facts(name)
    assert [facts.family, facts.context_window, facts.max_input_tokens, facts.max_output_tokens] == told, source


@pytest.mark.parametrize(
    ("model", "provider", "family"),
    [
        ("my-model", "anthropic", "claude"),
        ("gpt-5", "anthropic", "claude"),
        ("prod-7", "azure-openai", "openai"),
        ("prod-7", "bedrock", None),
        ("claude-sonnet-4-6", "openai", "claude"),
        # A provider of the catalog is its own.
        ("@prod/my-model", "anthropic", None),
        # What only speaks of another one is none of it.
        ("@gpt-team/claude-opus-5", None, "claude"),
        ("qwen3-14b-claude-4.5-opus-distill", "ollama", "qwen"),
        ("deepseek-r1-distill-llama-70b", None, "deepseek"),
        ("claudette-7b", None, None),
        ("gpt-neox-20b", None, None),
        ("gpt-oss-20b", None, "gpt-oss"),
        ("omni-1", None, None),
    ],
)
def test_the_family_is_that_of_the_name_else_of_a_provider_that_serves_one(
    model: str, provider: str | None, family: str | None
) -> None:
    assert family_of(model, provider) == family


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ("Claude-Opus-5", "claude-opus-5"),
        (" gpt-5 ", "gpt-5"),
        ("@a/b/c/gpt-5", "gpt-5"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5-v1:0", "claude-opus-5-v1:0"),
        ("projects/p/locations/global/publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("ft:gpt-4o:acme::1", "gpt-4o"),
        ("ft:", ""),
        ("", ""),
    ],
)
def test_the_own_name_is_what_stands_last(written: str, own: str) -> None:
    assert own_name(written) == own


def test_each_family_has_a_beginning() -> None:
    named = {"gpt-oss": "gpt-oss-20b", "openai": "gpt-5", "cohere": "command-a", "nova": "nova-pro", "glm": "glm-5",
             "titan": "titan-text", "claude": "claude-opus-5"}  # fmt: skip
    assert {family: family_of(named.get(family, f"{family}-1")) for family in FAMILIES} == {
        family: family for family in FAMILIES
    }
