"""Portkey's services before the gateway: as strict as they are documented, and out of the way of everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from portkey_gateway.sandbox import Sandbox, SandboxError
from portkey_gateway.sandbox.serving.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

HEADERS = {"x-portkey-api-key": "pk-any"}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)


def post(library: Sandbox, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.post(library.base_url + path, json=body, headers=HEADERS if headers is None else headers)


def rendered(library: Sandbox, prompt: str, **variables: Any) -> Any:
    return post(library, f"/prompts/{prompt}/render", {"variables": variables}).json()["data"]


@pytest.mark.parametrize("path", ["/prompts/pp-support/render", "/feedback", "/chat/completions"])
def test_who_has_no_key_is_refused(library: Sandbox, path: str) -> None:
    refused = post(library, path, {}, headers={})

    assert (refused.status_code, refused.json()["success"]) == (401, False)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/prompts/pp-none/render", 404, "AB08"),
        ("/prompts/pp-support@9/render", 404, "AB08"),
        ("/prompts/pp-support@nobody/render", 404, "AB08"),
        ("/prompts/..%2Fprompts%2Fpp-support/render", 404, "AB08"),
        ("/prompts/partials/render", 404, "AB08"),
        ("/prompts/pp-none/completions", 404, "AB08"),
        ("/prompts/pp-support/refine", 404, "AB08"),
    ],
)
def test_what_is_not_there(library: Sandbox, path: str, status: int, code: str) -> None:
    refused = post(library, path, {"variables": {}})

    assert (refused.status_code, refused.json()["data"]["errorCode"]) == (status, code)
    assert library.claude.requests == []


@pytest.mark.parametrize("body", [{}, {"variables": None}, {"variables": ["a"]}, []])
@pytest.mark.parametrize("route", ["render", "completions"])
def test_variables_are_required(library: Sandbox, route: str, body: Any) -> None:
    refused = post(library, f"/prompts/pp-support/{route}", body)

    assert (refused.status_code, refused.json()["data"]["errorCode"]) == (400, "AB01")


def test_a_variable_that_is_not_given_is_empty_as_in_mustache(library: Sandbox) -> None:
    assert rendered(library, "pp-support@1")["messages"][0]["content"] == "You answer for ."


def test_sections_partials_and_truth_values(library: Sandbox) -> None:
    angry = rendered(library, "pp-support", company="A", mood="kind", question="q", angry=True, topic="mail")
    calm = rendered(library, "pp-support", company="A", mood=True, question="q", angry=False)

    assert angry["messages"][1]["content"] == "The customer is angry about mail. q"
    assert [message["content"] for message in calm["messages"]] == ["You answer for A. Be true.", "q"]


def test_nothing_is_escaped_in_a_text_and_json_is_in_a_raw_template(library: Sandbox) -> None:
    odd = 'a "quoted" <tag> & {{question}}\n'

    [message] = rendered(library, "pp-support@latest", draft=odd)["messages"]
    [raw] = rendered(library, "pp-raw", question=odd)["messages"]
    [shown] = rendered(library, "pp-raw", question="q", has_image=True, picture=PIXEL)["messages"]

    assert message["content"] == odd
    assert raw["content"] == [{"type": "text", "text": odd}]
    assert shown["content"][1] == {"type": "image_url", "image_url": {"url": PIXEL}}


def test_what_is_told_of_a_template(library: Sandbox) -> None:
    told = httpx.get(f"{library.base_url}/prompts/pp-support?version=default", headers=HEADERS).json()

    assert (told["prompt_version"], told["model"], told["virtual_key"]) == (2, "claude-sonnet-4-6", "anthropic")
    assert told["variable_components"] == {
        "partials": ["pp-tone"],
        "sections": ["angry"],
        "variables": ["company", "mood", "question"],
        "sectionVariables": {"angry": ["topic"]},
        "variablePartials": [],
    }


def test_a_saved_file_is_a_new_version_at_once_and_a_broken_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "pp-new").mkdir()
    with Sandbox(prompts=tmp_path) as sandbox:
        assert post(sandbox, "/prompts/pp-new/render", {"variables": {}}).status_code == 404
        for number in (1, 2):
            version = {"messages": [{"role": "user", "content": f"{number} {{{{>>mine}}}}"}]}
            (tmp_path / "pp-new" / f"{number}.json").write_text(json.dumps(version))
            assert rendered(sandbox, "pp-new", mine="own")["messages"][0]["content"] == f"{number} own"
        unknown = post(sandbox, "/prompts/pp-new/completions", {"variables": {}})
        assert (unknown.status_code, "Prompt pp-new has no provider" in unknown.text) == (400, True)
        (tmp_path / "pp-new" / "3.json").write_text("{")
        assert "3.json cannot be read" in post(sandbox, "/prompts/pp-new/render", {"variables": {}}).text
        (tmp_path / "pp-new" / "4.json").write_text('{"string": "Text {{name}} {{>pp-none}}"}')
        assert "no partial pp-none" in post(sandbox, "/prompts/pp-new/render", {"variables": {}}).text
        (tmp_path / "pp-new" / "5.json").write_text('{"string": "Text for {{name}}"}')
        assert rendered(sandbox, "pp-new", name="Ann") == {"prompt": "Text for Ann"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"value": 1}, "trace_id"),
        ({"trace_id": "t", "value": 11}, "value"),
        ({"trace_id": "t", "value": 0.5}, "value"),
        ({"trace_id": "t", "value": 1, "weight": 2}, "weight"),
        ({"trace_id": "t", "value": 1, "metadata": "x"}, "metadata"),
    ],
)
def test_feedback_is_checked(library: Sandbox, body: dict[str, Any], field: str) -> None:
    refused = post(library, "/feedback", body)

    assert refused.status_code == 400
    assert f"`{field}`" in refused.json()["data"]["message"]
    assert library.control_plane.feedback == []


def test_feedback_is_kept(library: Sandbox) -> None:
    given = {"trace_id": "t-1", "value": -10, "weight": 0.5, "metadata": {"_user": "ann"}}

    assert post(library, "/feedback", given).json()["status"] == "success"
    assert library.control_plane.feedback == [given]


@pytest.mark.parametrize("headers", [{"x-portkey-provider": "@anthropic"}, {"x-portkey-virtual-key": "anthropic"}])
def test_a_provider_of_the_catalog_is_reached_by_its_slug(library: Sandbox, headers: dict[str, str]) -> None:
    body = {"model": library.model, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}

    assert post(library, "/chat/completions", body, {**HEADERS, **headers}).status_code == 200
    [received] = library.claude.requests
    assert "x-portkey-api-key" not in received.headers


def test_a_provider_that_is_not_there(library: Sandbox) -> None:
    refused = post(library, "/chat/completions", {}, {**HEADERS, "x-portkey-provider": "@openai"})

    assert (refused.status_code, "no provider openai" in refused.text) == (400, True)


def test_a_stream_comes_through_as_it_comes(library: Sandbox) -> None:
    body = {"variables": {"draft": "Hi"}, "stream": True}
    url = f"{library.base_url}/prompts/pp-support@latest/completions"

    with httpx.stream("POST", url, json=body, headers=HEADERS) as response:
        events = [line for line in response.iter_lines() if line]

    assert response.headers["content-type"].startswith("text/event-stream")
    assert events[-1] == "data: [DONE]"
    assert len(events) > 3


def test_trouble_of_the_library_is_ordered_and_ends(library: Sandbox) -> None:
    library.control_plane.inject(Fault("status", status=503, message="Out of order"))
    answers = [post(library, "/prompts/pp-support/render", {"variables": {}}).status_code for _ in range(2)]

    assert answers == [503, 200]
    assert [request.status for request in library.control_plane.requests] == answers


def test_keys_do_not_stand_in_the_log(library: Sandbox) -> None:
    post(library, "/feedback", {}, {"x-portkey-api-key": "pk-very-secret"})

    assert "pk-very-secret" not in str(library.control_plane.requests)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: Sandbox().control_plane, r"Sandbox\(prompts=folder\)"),
        (lambda: Sandbox(prompts=Path("no/such/folder")).start(), "no folder no/such/folder"),
    ],
)
def test_a_sandbox_without_prompts(use: Callable[[], Any], message: str) -> None:
    with pytest.raises(SandboxError, match=message):
        use()
