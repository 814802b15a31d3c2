"""LangChain's own unit suite for chat models."""

from typing import Any

import pytest
from langchain_core.load.load import _default_class_paths_cache, _get_default_allowed_class_paths
from langchain_tests.unit_tests import ChatModelUnitTests

from portkey_langchain import ChatPortkey

MODEL = "@anthropic-prod/claude-sonnet-4-5"


class TestChatPortkeyUnit(ChatModelUnitTests):
    @pytest.fixture(autouse=True)
    def _listed_in_langchain_core(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let `test_serdes` load the class.

        It loads with `allowed_objects="all"`, which langchain-core reads as a fixed list of LangChain's own
        integrations. Any other class is loaded by naming it, `allowed_objects=[ChatPortkey]`, but the suite has no
        place to say so. The list is extended here and not in the product: users rely on it for their safety.
        """
        listed = _get_default_allowed_class_paths("all")
        monkeypatch.setitem(_default_class_paths_cache, "all", {*listed, tuple(ChatPortkey.lc_id())})

    @property
    def chat_model_class(self) -> type[ChatPortkey]:
        return ChatPortkey

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "api_key": "pk-test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        environment = {"PORTKEY_API_KEY": "pk-env", "PORTKEY_BASE_URL": "https://gateway.example/v1"}
        expected = {"api_key": "pk-env", "base_url": "https://gateway.example/v1"}
        return environment, {"model": MODEL}, expected
