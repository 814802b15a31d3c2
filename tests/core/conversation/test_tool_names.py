"""Names that no provider takes are fitted for the wire, each to one of its own, alike in every turn."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.conversation.tool_names import fitting_names, renamed

FITTED = "files_list_7e7aa135"
HELLO = {"role": "user", "content": "Hello"}


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def offering(*names: str, **more: Any) -> Any:
    return {"model": "claude-sonnet-4-5", "messages": [HELLO], "tools": [tool(name) for name in names], **more}


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("weather.get", "weather_get_b8affdae"),
        ("Box[int]", "Box_int__803a9e91"),
        ("Person Info", "Person_Info_2d0d646b"),
        ("große Suche", "gro_e_Suche_a18b8370"),
        ("a" * 70, "a" * 55 + "_6bd5e503"),
        ("", "tool_e3b0c442"),
    ],
)
def test_what_does_not_fit_is_replaced(name: str, fitted: str) -> None:
    assert fitting_names([tool(name)]) == {name: fitted}


@pytest.mark.parametrize("name", ["look", "get-weather_2", "a" * 64])
def test_what_fits_stays(name: str) -> None:
    assert fitting_names([tool(name)]) == {}


def test_a_name_is_fitted_alike_whatever_else_is_offered() -> None:
    alone = fitting_names([tool("a.b")])
    assert fitting_names(map(tool, ("a_b", "a:b", "a.b")))["a.b"] == alone["a.b"]


def test_two_that_would_be_called_alike_are_kept_apart() -> None:
    names = fitting_names(map(tool, ("a.b", "a_b", "a:b")))
    assert names.keys() == {"a.b", "a:b"}
    assert len({*names.values(), "a_b"}) == 3
    assert all(re.fullmatch(r"a_b_[0-9a-f]{8}", fitted) for fitted in names.values())


@given(st.lists(st.text(max_size=80), max_size=6, unique=True))
def test_every_name_gets_one_of_its_own_that_fits(names: list[str]) -> None:
    fitted = fitting_names(map(tool, names))
    called = [fitted.get(name, name) for name in names]
    assert len(set(called)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in called)
    assert fitting_names(map(tool, names)) == fitted


def test_tools_choice_and_history_are_renamed_and_nothing_else() -> None:
    use = {"type": "tool_use", "id": "2", "name": "files.list", "input": {}}
    call: Any = {"id": "1", "type": "function", "function": {"name": "files.list", "arguments": '{"files.list": 1}'}}
    history: list[Any] = [
        HELLO,
        {"role": "assistant", "content": [{"type": "text", "text": "files.list"}, use], "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "files.list"},
    ]
    own = {"name": "files.list", "input_schema": {"type": "object"}}
    server = {"type": "web_search_20250305", "name": "web_search"}
    request: Any = {
        "model": "claude-sonnet-4-5",
        "messages": history,
        "tools": [tool("files.list"), own, server],
        "tool_choice": {"type": "tool", "name": "files.list"},
    }
    before = copy.deepcopy(request)
    told: Any = renamed(request, fitting_names(request["tools"], request["messages"]))
    assert request == before
    assert told["tools"] == [tool(FITTED), {**own, "name": FITTED}, server]
    assert told["tool_choice"] == {"type": "tool", "name": FITTED}
    hello, said, result = told["messages"]
    assert (hello, result) == (history[0], history[2])
    assert said["content"] == [{"type": "text", "text": "files.list"}, {**use, "name": FITTED}]
    assert said["tool_calls"] == [{**call, "function": {**call["function"], "name": FITTED}}]


def test_what_refers_to_tools_is_renamed_with_them() -> None:
    own = {"name": "files.list", "input_schema": {"type": "object"}}

    def messages(listed: str, found: str) -> list[Any]:
        changes = [
            {"type": "tool_removal", "tool": {"type": "tool_reference", "name": listed}},
            {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {**own, "name": found}}},
        ]
        reference = {"type": "tool_reference", "tool_name": listed}
        return [
            HELLO,
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "files.list"}, reference]},
            {"role": "system", "content": [{"type": "text", "text": "files.list"}, *changes]},
        ]

    request: Any = {"model": "claude-opus-4-8", "messages": messages("files.list", "files.find"), "tools": [own]}
    names = fitting_names(request["tools"], request["messages"])
    assert names.keys() == {"files.list", "files.find"}
    assert renamed(request, names)["messages"] == messages(FITTED, names["files.find"])


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("files.list", FITTED),
        ("auto", "auto"),
        (
            {"type": "function", "function": {"name": "files.list"}},
            {"type": "function", "function": {"name": FITTED}},
        ),
        ({"type": "any"}, {"type": "any"}),
        (None, None),
    ],
)
def test_a_choice_in_every_form(choice: Any, told: Any) -> None:
    request = offering("files.list", tool_choice=choice)
    made: Any = renamed(request, fitting_names(request["tools"], request["messages"]))
    assert made["tool_choice"] == told
