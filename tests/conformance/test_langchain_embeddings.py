"""LangChain's own suites for embeddings, unit and integration, through the real gateway to the emulated OpenAI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from portkey_langchain import PortkeyEmbeddings

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

MODEL = "text-embedding-3-small"


class TestUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[PortkeyEmbeddings]:
        return PortkeyEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "api_key": "pk-of-the-test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        variables = {
            "PORTKEY_API_KEY": "pk-of-the-test",
            "PORTKEY_BASE_URL": "http://localhost:8787/v1",
            "PORTKEY_PROVIDER": "openai",
            "PORTKEY_PROVIDER_API_KEY": "sk-of-the-test",
        }
        fields = {name.removeprefix("PORTKEY_").lower(): value for name, value in variables.items()}
        return variables, {"model": MODEL}, fields


class TestIntegration(EmbeddingsIntegrationTests):
    @pytest.fixture(autouse=True)
    def _in_sandbox(self, portkey_sandbox_with_openai: Sandbox) -> None:
        self.sandbox = portkey_sandbox_with_openai

    @property
    def embeddings_class(self) -> type[PortkeyEmbeddings]:
        return PortkeyEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, **self.sandbox.options("openai")}
