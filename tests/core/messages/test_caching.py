"""Marks for the prompt cache on the way to Claude, and that what was cached stays the beginning of what follows."""

import copy
import json
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portkey_gateway.caching.plan import PromptCaching, PromptCachingOption
from portkey_gateway.errors import EncodingError, PortkeyWarning
from portkey_gateway.messages.encode import encode_request
from portkey_gateway.routing import Route

HELLO = {"role": "user", "content": "Hello"}
SAID = {"type": "text", "text": "Hello"}
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
ROUTE = Route(api_format="messages", is_claude=True, provider="anthropic", only_anthropic=True)


def body(*messages: Any, route: Route = ROUTE, prompt_caching: PromptCachingOption = None, **more: Any) -> Any:
    request: Any = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": list(messages or (HELLO,)), **more}
    before = copy.deepcopy(request)
    encoded = encode_request(request, route, prompt_caching=prompt_caching)
    assert request == before
    return json.loads(encoded.body)


def quiet_body(*messages: Any, **more: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return body(*messages, **more)


def as_blocks(content: Any) -> Any:
    """A text is to Anthropic what a list of one text block is."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


# --- marks ------------------------------------------------------------------------------------------------------------


def test_a_mark_keeps_its_ttl_wherever_it_stands() -> None:
    def marked(**block: Any) -> dict[str, Any]:
        return {**block, "cache_control": HOUR}

    image = {"type": "image_url", "image_url": {"url": "https://a.org/a.png"}}
    sent = quiet_body(
        {"role": "system", "content": [marked(**SAID)]},
        {"role": "user", "content": [marked(**image)]},
        {"role": "assistant", "content": [marked(**SAID)]},
        HELLO,
        tools=[marked(**TOOL)],
    )
    first, second, _ = sent["messages"]
    blocks = [sent["tools"][0], sent["system"][0], first["content"][0], second["content"][0]]
    assert [block["cache_control"] for block in blocks] == [HOUR] * 4


def test_a_mark_of_the_request_goes_to_its_last_block() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a.org/a.png"}}
    sent = quiet_body({"role": "user", "content": [SAID, image]}, cache_control=HOUR)
    assert "cache_control" not in sent
    source = {"type": "url", "url": "https://a.org/a.png"}
    assert sent["messages"][0]["content"] == [SAID, {"type": "image", "source": source, "cache_control": HOUR}]


def test_planned_marks_keep_their_hour_behind_results_too() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a pixel"},
    ]
    sent = quiet_body(*messages, tools=[TOOL], prompt_caching=PromptCaching(ttl="1h"))
    asked, _, answered = sent["messages"]
    marked = [sent["tools"][0], sent["system"][0], asked["content"][0], answered["content"][0]]
    assert [block["cache_control"] for block in marked] == [HOUR] * 4


def test_marks_are_checked() -> None:
    many = {"role": "user", "content": [{**SAID, "cache_control": MARK}] * 5}
    with pytest.raises(EncodingError, match="stands on 5 blocks"):
        body(many)


def test_a_plan_for_what_is_no_claude_is_warned_of() -> None:
    other = Route(api_format="messages")
    with pytest.warns(PortkeyWarning, match="prompt_caching marks nothing"):
        assert body(route=other, prompt_caching=PromptCaching())["messages"] == [HELLO]
    assert quiet_body(route=other, prompt_caching="auto")["messages"] == [HELLO]


# --- from turn to turn ------------------------------------------------------------------------------------------------

words = st.sampled_from(["a", "b c", "Grüße"])
texts = words.map(lambda text: {"type": "text", "text": text})
MEDIA = [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
    {"type": "image", "source": {"type": "url", "url": "https://a.org/a.png"}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A text."}, "title": "A"},
]
USE = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
CALLS = [
    {"id": name, "type": "function", "function": {"name": "look", "arguments": '{"at": "it"}'}} for name in ("c1", "c2")
]
contents = st.one_of(words, st.lists(st.one_of(texts, st.sampled_from(MEDIA)), min_size=1, max_size=3))
said = st.one_of(
    words, st.sampled_from([None, "", " "]), st.lists(st.one_of(texts, st.sampled_from([THOUGHT, USE])), max_size=3)
)
turns = st.one_of(
    st.builds(lambda content: {"role": "user", "content": content}, contents),
    st.builds(lambda content: {"role": "assistant", "content": content}, said),
    st.builds(
        lambda content, calls: {"role": "assistant", "content": content, "tool_calls": calls},
        said,
        st.lists(st.sampled_from(CALLS), min_size=1, max_size=2),
    ),
    st.builds(
        lambda content, failed: {"role": "tool", "tool_call_id": "c1", "content": content, "is_error": failed},
        st.one_of(contents, st.sampled_from(["", None])),
        st.booleans(),
    ),
)
conversations = st.lists(turns, max_size=6)
cachings: st.SearchStrategy[PromptCachingOption] = st.sampled_from([None, "auto", PromptCaching(ttl="1h")])


def flat(sent: Any) -> list[Any]:
    """All that Claude reads, block by block, in its order; marks are no part of it, and a text is a block."""
    read = [*sent.get("tools", ()), *sent.get("system", ())]
    read += [{"side": each["role"], **block} for each in sent["messages"] for block in as_blocks(each["content"])]
    return [without_marks(block) for block in read]


def without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: without_marks(item) for name, item in value.items() if name != "cache_control"}
        if kept.get("type") == "tool_result" and isinstance(kept["content"], str):
            kept["content"] = [{"type": "text", "text": kept["content"]}] if kept["content"] else []
        return kept
    return [without_marks(item) for item in value] if isinstance(value, list) else value


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(conversations, conversations, cachings, cachings)
def test_what_was_sent_in_one_turn_is_the_beginning_of_the_next(
    told: list[Any], added: list[Any], caching: PromptCachingOption, later_caching: PromptCachingOption
) -> None:
    """Else Claude's prompt cache would be read by no call but the first."""
    begun = [{"role": "system", "content": "Be brief."}, HELLO, *told]
    before = flat(body(*begun, tools=[TOOL], prompt_caching=caching))
    after = flat(body(*begun, *added, tools=[TOOL], prompt_caching=later_caching))
    assert after[: len(before)] == before
