"""Options without their names, and names of other classes: taken as LlamaIndex does, or it is said what to do."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from portkey_gateway import PortkeyWarning
from portkey_langchain import ChatPortkey, PortkeyEmbeddings
from portkey_llamaindex import Portkey, PortkeyEmbedding
from tests.support.fixtures import server
from tests.support.recording import answer, whole

if TYPE_CHECKING:
    from tests.support.recording import RecordingServer

__all__ = ["server"]
LOCAL: Any = {"base_url": "http://127.0.0.1:1/v1"}
OF_LLAMAINDEX: list[Any] = [Portkey, PortkeyEmbedding]
OF_LANGCHAIN: list[Any] = [ChatPortkey, PortkeyEmbeddings]


@pytest.mark.parametrize("make", OF_LLAMAINDEX)
def test_llamaindex_takes_the_model_by_its_place(make: Any) -> None:
    named = make("gpt-5", **LOCAL)
    assert named.model == "gpt-5"
    assert named.to_dict() == make(model="gpt-5", **LOCAL).to_dict()
    assert named.model_fields_set == make(model="gpt-5", **LOCAL).model_fields_set
    assert pickle.loads(pickle.dumps(named)).model == named.with_options(timeout=1).model == "gpt-5"
    with pytest.raises(TypeError, match=rf"{make.__name__} takes model alone by its place, such as"):
        make("gpt-5", "openai", **LOCAL)
    with pytest.raises(TypeError, match="got model twice"):
        make("gpt-5", model="gpt-5", **LOCAL)


@pytest.mark.parametrize("make", OF_LANGCHAIN)
def test_langchain_takes_names_alone(make: Any) -> None:
    name = make.__name__
    with pytest.raises(TypeError, match=rf"{name} takes its options by their names, such as {name}\(model="):
        make("gpt-5", **LOCAL)


CALLS: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "langchain": lambda options, more: ChatPortkey(**options).invoke("Hi", **more),
    "llamaindex": lambda options, more: Portkey(**options).complete("Hi", **more),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("name", ["anthropic_api_key", "openai_api_key"])
@pytest.mark.parametrize(
    "route",
    [
        {"model": "claude-sonnet-4-6", "provider": "anthropic", "api_format": "messages"},
        {"model": "claude-sonnet-4-6", "provider": "anthropic", "api_format": "chat_completions"},
        {"model": "gpt-5", "provider": "openai"},
        {"model": "gemini-2.5-pro", "provider": "google"},
    ],
)
def test_a_key_under_another_class_s_name_is_told_ours(
    server: RecordingServer, call: Any, name: str, route: dict[str, Any]
) -> None:
    said = {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]}
    of_claude = {**said, "model": "m", "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}
    server.reply(whole(of_claude if route.get("api_format") == "messages" else answer()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PortkeyWarning)
        call({**route, "base_url": server.base_url}, {name: "sk-secret-0123"})
    told = [str(each.message) for each in caught]
    assert [each for each in told if each.startswith(f"{name} does not reach") and "'provider_api_key'" in each]
    assert "sk-secret" not in "".join(told)


@pytest.mark.parametrize("kind", [PortkeyEmbeddings, PortkeyEmbedding])
def test_embeddings_tell_it_too(server: RecordingServer, kind: Any) -> None:
    vectors = {"object": "list", "model": "m", "data": [{"index": 0, "embedding": [0.5]}], "usage": {"total_tokens": 1}}
    server.reply(whole(vectors))
    model = kind(model="text-embedding-3-small", provider="openai", base_url=server.base_url)
    with pytest.warns(PortkeyWarning, match=r"openai_api_key is no parameter .*: did you mean 'provider_api_key'"):
        model.embed(["Hi"], openai_api_key="sk-x")


def test_a_tracer_is_not_told_such_a_key() -> None:
    model = ChatPortkey(model="m", **LOCAL)
    assert "sk-" not in str(model._get_invocation_params(anthropic_api_key="sk-secret-0123", openaiApiKey="sk-s"))
