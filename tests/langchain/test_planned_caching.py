"""``prompt_caching``: breakpoints plan themselves, and each turn reads from the cache what the last one wrote."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import ValidationError

from portkey_gateway import PortkeyWarning, PromptCaching
from portkey_gateway.sandbox import Sandbox
from portkey_langchain import ChatPortkey
from tests.langchain.ask import Ask, any_call, whole_or_streamed
from tests.langchain.media import MARK, PDF64, PNG64, PNG_URL, TEXT
from tests.support.recording import RecordingServer

Received = Callable[[], dict[str, Any]]

LONG = "This sentence stands in front of every question of the day. " * 120
PNG = {"type": "image", "base64": PNG64, "mime_type": "image/png"}


@pytest.fixture
def auto(model: ChatPortkey) -> ChatPortkey:
    return model.with_options(prompt_caching="auto")


def figures(answer: AIMessage) -> tuple[int, int, int]:
    """Input in all, read from the cache, written to it."""
    usage: Any = answer.usage_metadata
    details = usage["input_token_details"]
    return usage["input_tokens"], details["cache_read"], details["cache_creation"]


def assert_each_reads_what_the_last_one_wrote(answers: list[AIMessage], *, most_written: int) -> None:
    """Nothing of what a turn sent is paid for again by the next: it is read, and only what is new is written."""
    total, read, written = figures(answers[0])
    assert (read, written) == (0, total)
    for answer in answers[1:]:
        cached = read + written
        total, read, written = figures(answer)
        assert read == cached
        assert 0 < written == total - read <= most_written


def marks(body: dict[str, Any]) -> int:
    return json.dumps(body).count('"cache_control"')


# --- conversations that go on -----------------------------------------------------------------------------------------


@whole_or_streamed
def test_a_long_chat_pays_for_what_is_new(auto: ChatPortkey, ask: Ask) -> None:
    told: list[BaseMessage] = [SystemMessage(LONG)]
    answers = []
    for turn in range(20):
        told.append(HumanMessage(f"And question number {turn}?"))
        answers.append(ask(auto, told))
        told.append(answers[-1])
    assert_each_reads_what_the_last_one_wrote(answers, most_written=60)


@pytest.mark.parametrize(
    ("options", "parallel"),
    [
        pytest.param({"prompt_caching": "auto"}, 1, id="planned"),
        pytest.param({"prompt_caching": "auto"}, 12, id="more calls than a breakpoint looks back"),
        pytest.param({"model_kwargs": {"cache_control": MARK}}, 1, id="a mark for every call"),
    ],
)
def test_twenty_rounds_of_tools_pay_for_what_is_new(
    model: ChatPortkey, received: Received, sandbox: Sandbox, options: dict[str, Any], parallel: int
) -> None:
    bound = model.with_options(**options).bind_tools([look])
    told: list[BaseMessage] = [SystemMessage(LONG), HumanMessage("Look around.")]
    answers = []
    for turn in range(20):
        ids = [f"toolu_{turn}_{place}" for place in range(parallel)]
        calls = [{"type": "tool_use", "id": id_, "name": "look", "input": {"at": id_}} for id_ in ids]
        sandbox.claude.reply_with("I look.", *calls)
        answers.append(bound.invoke(told))
        assert marks(received()) <= 4
        told += [answers[-1], *(ToolMessage(f"nothing at {id_}", tool_call_id=id_) for id_ in ids)]
    assert_each_reads_what_the_last_one_wrote(answers, most_written=60 * (parallel + 1))


@tool
def look(at: str) -> None:
    """Look at a place."""


def test_a_question_asked_anew_reads_what_went_before_it(auto: ChatPortkey) -> None:
    told: list[BaseMessage] = [SystemMessage(LONG), HumanMessage("How deep is the harbour? " * 50)]
    told.append(auto.invoke(told))
    first, again = (
        figures(auto.invoke([*told, HumanMessage(more)])) for more in ("And wide?", "How wide is it, then?")
    )
    assert again[1] == first[1] > 1024


def test_another_conversation_reads_the_system_message(auto: ChatPortkey) -> None:
    first, other = (figures(auto.invoke([SystemMessage(LONG), HumanMessage(asked)])) for asked in ("Hi", "Good day"))
    assert other[1] > 1024
    assert other[2] < 20
    assert first[1] == 0


def test_another_system_message_reads_the_tools(auto: ChatPortkey) -> None:
    bound = auto.bind_tools([{"name": "look", "description": LONG, "input_schema": {"type": "object"}}])
    _, other = (figures(bound.invoke([SystemMessage(said), HumanMessage("Hi")])) for said in ("Be kind.", "Be brief."))
    assert other[1] > 1024
    assert other[2] < 30


# --- what stands in the way -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(PNG, id="an image"),
        pytest.param({"type": "image_url", "image_url": {"url": PNG_URL}}, id="OpenAI's image"),
        pytest.param({"type": "image", "url": "https://a.org/x.png"}, id="a link, which carries no mark"),
        pytest.param({"type": "file", "base64": PDF64, "mime_type": "application/pdf"}, id="a PDF"),
        pytest.param(
            {"type": "text-plain", "text": TEXT, "mime_type": "text/plain"}, id="a document, which carries no mark"
        ),
    ],
)
def test_media_may_end_any_turn(auto: ChatPortkey, received: Received, block: dict[str, Any]) -> None:
    told: list[BaseMessage] = [SystemMessage(LONG)]
    cached = 0
    for turn in range(3):
        told.append(HumanMessage([{"type": "text", "text": f"What is this, number {turn}?"}, block]))
        told.append(auto.invoke(told))
        assert marks(received()) <= 3
        total, read, written = figures(told[-1])  # type: ignore[arg-type]
        assert read == cached
        cached = read + written
        assert cached > 1024
        assert cached <= total


def test_thoughts_are_left_alone(model: ChatPortkey, received: Received) -> None:
    thinking = model.with_options(
        prompt_caching="auto", thinking={"type": "enabled", "budget_tokens": 1024}, max_tokens=3000
    )
    told: list[BaseMessage] = [SystemMessage(LONG), HumanMessage("Hi")]
    first = thinking.invoke(told)
    second = thinking.invoke([*told, first, HumanMessage("And then?")])
    thought, said = received()["messages"][1]["content"]
    assert thought["type"] == "thinking"
    assert "cache_control" not in {*thought, *said}
    assert figures(second)[1] == figures(first)[0]


def test_explicit_marks_stand_and_count(auto: ChatPortkey, received: Received) -> None:
    marked = [{"type": "text", "text": f"{LONG} {part}", "cache_control": MARK} for part in "abc"]
    told: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage([*marked])]
    first = auto.invoke(told)
    second = auto.invoke([*told, first, HumanMessage("And then?")])
    body = received()
    assert [block["cache_control"] for block in body["messages"][0]["content"]] == [MARK] * 3
    assert body["messages"][-1]["content"][0]["cache_control"] == MARK
    assert marks(body) == 4
    assert figures(second)[1] == figures(first)[0]


def test_an_hour_in_a_loop_of_tools_is_one_that_claude_takes(model: ChatPortkey, received: Received) -> None:
    """The open-source gateway drops the ttl of tools, system and user, but not of results: an hour would come after."""
    bound = model.with_options(prompt_caching=PromptCaching(ttl="1h")).bind_tools([look])
    call = {"name": "look", "args": {"at": "it"}, "id": "call_1", "type": "tool_call"}
    told: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage("Look."), AIMessage("", tool_calls=[call])]
    bound.invoke([*told, ToolMessage("blue", tool_call_id="call_1")])
    assert marks(received()) == 4


def test_counting_needs_no_marks(auto: ChatPortkey, sandbox: Sandbox) -> None:
    assert auto.get_num_tokens("Hello") == auto.with_options(prompt_caching=None).get_num_tokens("Hello")
    assert all(marks(request.body) == 0 for request in sandbox.claude.requests)


@any_call
def test_messages_and_tools_are_left_as_they_are(auto: ChatPortkey, received: Received, ask: Ask) -> None:
    told = [SystemMessage("Be brief."), HumanMessage([{"type": "text", "text": "Hi"}])]
    offered = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
    bound = auto.bind_tools([offered])
    before = [message.model_dump_json() for message in told]
    ask(bound, told)
    assert marks(received()) == 3
    assert [message.model_dump_json() for message in told] == before
    assert offered.keys() == {"name", "input_schema"}
    assert marks(bound.kwargs) == 0  # type: ignore[attr-defined]


# --- the option -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["constructor", "with_options", "bind", "a call", "a mapping"])
def test_the_option_may_be_said_wherever_options_are(
    model: ChatPortkey, sandbox: Sandbox, received: Received, how: str
) -> None:
    said: Any = {
        "constructor": lambda: ChatPortkey(model=sandbox.model, prompt_caching="auto", **sandbox.options()).invoke(
            "Hi"
        ),
        "with_options": lambda: model.with_options(prompt_caching=PromptCaching()).invoke("Hi"),
        "bind": lambda: model.bind(prompt_caching="auto").invoke("Hi"),
        "a call": lambda: model.invoke("Hi", prompt_caching="auto"),
        "a mapping": lambda: model.invoke("Hi", prompt_caching={"ttl": "5m"}),
    }
    said[how]()
    assert marks(received()) == 1


def test_it_is_off_unless_said(model: ChatPortkey, received: Received) -> None:
    model.invoke("Hi")
    assert marks(received()) == 0


def test_a_call_may_turn_it_off(auto: ChatPortkey, received: Received) -> None:
    auto.invoke("Hi", prompt_caching=None)
    assert marks(received()) == 0


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
@pytest.mark.parametrize("said", ["auto", PromptCaching(ttl="1h", messages=False)])
def test_the_option_survives_dumps_and_pickles(model: ChatPortkey, said: Any) -> None:
    kept = model.with_options(prompt_caching=said)
    dumped = dumps(kept)
    assert "not_implemented" not in dumped
    secrets = {"PORTKEY_PROVIDER_API_KEY": "sk-ant-of-the-test"}
    loaded = loads(dumped, secrets_map=secrets, valid_namespaces=["portkey_langchain"], allowed_objects=[ChatPortkey])
    assert loaded.prompt_caching == said
    assert pickle.loads(pickle.dumps(kept)).prompt_caching == said
    assert f"prompt_caching={said!r}" in repr(kept)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"prompt_caching": "atuo"}, r"prompt_caching\n.*must be None, 'auto' or PromptCaching"),
        ({"prompt_caching": {"ttl": "2h"}}, r"prompt_caching\.ttl: Input should be '5m' or '1h'"),
        ({"promt_caching": "auto"}, "did you mean 'prompt_caching'"),
    ],
)
def test_a_typo_is_an_error_that_names_the_field(model: ChatPortkey, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        model.with_options(**wrong)


def test_other_models_are_left_alone(server: RecordingServer) -> None:
    other = ChatPortkey(model="gpt-5", provider="openai", provider_api_key="sk-x", base_url=server.base_url)
    other.invoke("Hi", prompt_caching="auto")
    with pytest.warns(PortkeyWarning, match="prompt_caching marks nothing for model 'gpt-5'"):
        other.invoke("Hi", prompt_caching=PromptCaching(ttl="1h"))
    assert [marks(request.json) for request in server.requests] == [0, 0]
