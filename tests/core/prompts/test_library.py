"""The prompt library through the gateway: rendered, completed, kept, refused, down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from portkey_gateway import (
    AuthenticationError,
    EncodingError,
    ErrorInBodyError,
    GatewayClient,
    GatewayFailureError,
    GatewayOptions,
    InvalidResponseError,
    MissingVariablesError,
    NotFoundError,
    PermissionDeniedError,
    PortkeyError,
    PortkeyWarning,
    PromptLibrary,
    ServerError,
)
from portkey_gateway.prompts.kept import KeptPrompts
from portkey_gateway.sandbox.serving.faults import Fault
from tests.core.prompts.test_kept import Clock
from tests.support.fixtures import server
from tests.support.recording import RecordingServer, whole

if TYPE_CHECKING:
    from portkey_gateway.sandbox import Sandbox

__all__ = ["server"]

VALUES = {"company": "ACME", "mood": "kind", "question": 'Where is "it"?'}
FILLED = [
    {"role": "system", "content": "You answer for ACME. Be kind."},
    {"role": "user", "content": 'Where is "it"?'},
]

Ask = Callable[..., Any]


def ask(library: PromptLibrary, name: str, *values: Any, **more: Any) -> Any:
    return getattr(library, name)(*values, **more)


def aask(library: PromptLibrary, name: str, *values: Any, **more: Any) -> Any:
    return asyncio.run(getattr(library, f"a{name}")(*values, **more))


twins = pytest.mark.parametrize("ask", [ask, aask], ids=["sync", "async"])


def prompts(options: dict[str, Any], kept: KeptPrompts | None = None, **more: Any) -> PromptLibrary:
    client = GatewayClient(GatewayOptions(**options), timeout_s=5, max_retries=0)
    return PromptLibrary(client, kept, **more)


def asked(library: Sandbox) -> list[str]:
    return [
        f"{request.method} {request.path.removeprefix('/v1/prompts/')}" for request in library.control_plane.requests
    ]


# --- rendering --------------------------------------------------------------------------------------------------------


@twins
def test_a_prompt_is_filled_in(library: Sandbox, ask: Ask) -> None:
    rendered = ask(prompts(library.account()), "render", "pp-support", VALUES)

    assert rendered.messages == FILLED
    assert rendered.model == "claude-sonnet-4-6"
    assert rendered.parameters == {"max_tokens": 128, "temperature": 0.5}


@twins
def test_overrides_stand_in_the_place_of_the_prompts_own(library: Sandbox, ask: Ask) -> None:
    rendered = ask(prompts(library.account()), "render", "pp-support", VALUES, temperature=0, model="claude-haiku-4-5")

    assert rendered.model == "claude-haiku-4-5"
    assert rendered.parameters == {"max_tokens": 128, "temperature": 0}


@twins
@pytest.mark.parametrize(
    ("version", "values", "parameters"),
    [
        ("@1", {"company": "ACME", "question": "Hi"}, {"max_tokens": 64, "temperature": 0}),
        ("@2", VALUES, {"max_tokens": 128, "temperature": 0.5}),
        ("@latest", {"draft": "Hi"}, {"max_tokens": 32}),
    ],
)
def test_a_version_is_picked_and_its_own_variables_count(
    library: Sandbox, ask: Ask, version: str, values: dict[str, str], parameters: dict[str, Any]
) -> None:
    prompt_id, found = f"pp-support{version}", prompts(library.account())

    assert ask(found, "render", prompt_id, values).parameters == parameters
    with pytest.raises(MissingVariablesError):
        ask(found, "render", prompt_id, {})


@twins
def test_the_variables_of_a_label_are_not_told_which_one_warning_says(library: Sandbox, ask: Ask) -> None:
    found = prompts(library.account())

    with pytest.warns(PortkeyWarning, match=r"'pp-support@staging' .* is not checked: .*name them yourself"):
        rendered = ask(found, "render", "pp-support@staging", {})
    assert rendered.messages == [{"role": "user", "content": ""}]
    assert ask(found, "render", "pp-support@staging", {"draft": "Hi"}).messages[0]["content"] == "Hi"
    with pytest.raises(MissingVariablesError, match="'draft'"):
        ask(found, "render", "pp-support@staging", {}, required=["draft"])


@twins
def test_nothing_is_rendered_while_a_variable_is_missing(library: Sandbox, ask: Ask) -> None:
    with pytest.raises(MissingVariablesError, match="needs 'mood', 'question' too") as caught:
        ask(prompts(library.account()), "render", "pp-support", {"company": "ACME"})

    assert caught.value.missing == ("mood", "question")
    assert asked(library) == ["GET pp-support"]


@twins
def test_a_wrong_id_a_wrong_version_and_a_wrong_key(library: Sandbox, ask: Ask) -> None:
    found = prompts(library.account())
    with pytest.raises(NotFoundError, match="AB08: Prompt pp-none not found"):
        ask(found, "render", "pp-none")
    with pytest.raises(NotFoundError, match="has no version 9"):
        ask(found, "render", "pp-support@9")
    with pytest.raises(EncodingError, match="prompt_id is empty"):
        ask(found, "render", " ")
    with pytest.raises(AuthenticationError):
        ask(prompts({"base_url": library.base_url}), "render", "pp-support", VALUES)


@twins
def test_a_gateway_without_a_library_says_so(sandbox: Sandbox, ask: Ask) -> None:
    options: dict[str, Any] = {**sandbox.options()}
    with pytest.raises(GatewayFailureError, match="this gateway has no prompt library") as caught:
        ask(prompts(options), "render", "pp-support", required=[])

    assert not caught.value.is_retryable


@twins
@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"success": True, "data": None}, InvalidResponseError),
        ({"success": True, "data": {"model": "m"}}, InvalidResponseError),
        ({"success": True, "data": {"messages": ["Hi"]}}, InvalidResponseError),
        ({"error": {"message": "no"}}, ErrorInBodyError),
    ],
)
def test_what_is_no_rendered_prompt(
    server: RecordingServer, ask: Ask, body: dict[str, Any], error: type[PortkeyError]
) -> None:
    server.reply(whole(body))

    with pytest.raises(error):
        ask(prompts({"base_url": server.base_url}), "render", "pp-1", required=[])


# --- what is kept -----------------------------------------------------------------------------------------------------


@twins
def test_a_rendered_prompt_is_kept_as_long_as_one_says(library: Sandbox, ask: Ask) -> None:
    clock = Clock()
    found = prompts(library.account(), KeptPrompts(clock), cache_seconds=90)

    for seconds in (0, 89):
        clock.now_s += seconds
        assert ask(found, "render", "pp-support", VALUES).messages == FILLED
    assert asked(library) == ["GET pp-support", "POST pp-support/render"]

    ask(found, "render", "pp-support", {**VALUES, "mood": "strict"})
    ask(found, "render", "pp-support", VALUES, temperature=0)
    assert asked(library)[2:] == ["POST pp-support/render"] * 2

    clock.now_s += 2
    ask(found, "render", "pp-support", VALUES)
    assert asked(library)[4:] == ["GET pp-support", "POST pp-support/render"]


@twins
def test_without_a_time_each_is_rendered_anew_but_its_variables_hold_for_a_minute(library: Sandbox, ask: Ask) -> None:
    clock = Clock()
    found = prompts(library.account(), KeptPrompts(clock))

    for seconds in (0, 59, 1):
        clock.now_s += seconds
        ask(found, "render", "pp-support", VALUES)

    rendered, template = "POST pp-support/render", "GET pp-support"
    assert asked(library) == [template, rendered, rendered, template, rendered]


@twins
def test_a_library_that_is_down_falls_back_on_the_last_prompt_if_that_is_wanted(library: Sandbox, ask: Ask) -> None:
    clock = Clock()
    found = prompts(library.account(), KeptPrompts(clock), stale_if_down=True)
    ask(found, "render", "pp-support", VALUES)
    clock.now_s += 3600
    library.control_plane.inject(Fault("status", status=503, message="Out of order", times=99))

    with pytest.warns(PortkeyWarning, match="library is down, so a prompt as it was 3600 s ago is used: Out of order"):
        assert ask(found, "render", "pp-support", VALUES).messages == FILLED
    with pytest.raises(ServerError, match="Out of order"), pytest.warns(PortkeyWarning):
        ask(found, "render", "pp-support", {**VALUES, "mood": "other"})
    with pytest.raises(ServerError):
        ask(prompts(library.account(), KeptPrompts()), "render", "pp-support", VALUES)


@twins
def test_a_library_that_refuses_is_not_down(library: Sandbox, ask: Ask) -> None:
    found = prompts(library.account(), stale_if_down=True)
    ask(found, "render", "pp-support", VALUES)
    library.control_plane.inject(Fault("status", status=401, message="Unauthorised Request", times=2))

    with pytest.raises(AuthenticationError):
        ask(found, "render", "pp-support", VALUES)


@twins
def test_a_key_that_may_not_read_templates_may_still_use_them(library: Sandbox, ask: Ask) -> None:
    library.control_plane.inject(Fault("status", status=403, message="You do not have enough permissions"))
    found = prompts(library.account())

    with pytest.warns(PortkeyWarning, match="not checked: the library does not tell of it"):
        assert ask(found, "render", "pp-support", VALUES).messages == FILLED
    ask(found, "render", "pp-support", VALUES)
    assert asked(library) == ["GET pp-support", *["POST pp-support/render"] * 2]

    library.control_plane.inject(Fault("status", status=403, message="You do not have enough permissions"))
    with pytest.raises(PermissionDeniedError):
        ask(found, "render", "pp-support", VALUES)


# --- completing -------------------------------------------------------------------------------------------------------


def test_an_answer_comes_in_one_call_whole_and_streamed_sync_and_async(library: Sandbox) -> None:
    found = prompts(library.account())

    async def acompleted() -> list[Any]:
        async with await found.astream("pp-support", VALUES) as stream:
            texts = [delta.text async for delta in stream]
            return [await found.acomplete("pp-support", VALUES), stream.answer, "".join(texts)]

    with found.stream("pp-support", VALUES) as stream:
        told = "".join(delta.text for delta in stream)
    whole_answer, streamed = found.complete("pp-support", VALUES), stream.answer
    awhole, astreamed, atold = asyncio.run(acompleted())

    answers = [whole_answer, streamed, awhole, astreamed]
    assert len({answer.text for answer in answers} | {told, atold}) == 1
    assert 'You said: “Where is "it"?”.' in whole_answer.text
    assert {answer.stop_reason for answer in answers} == {"end_turn"}
    assert len({answer.usage for answer in answers}) == 1
    assert asked(library) == ["GET pp-support", *["POST pp-support/completions"] * 4]
    assert [request.body["max_tokens"] for request in library.claude.requests] == [128] * 4


@twins
def test_an_override_reaches_the_model(library: Sandbox, ask: Ask) -> None:
    answer = ask(prompts(library.account()), "complete", "pp-support@1", VALUES, max_tokens=5, temperature=1)

    assert answer.stop_reason == "max_tokens"
    [received] = library.claude.requests
    assert (received.body["max_tokens"], received.body["temperature"]) == (5, 1)


@twins
def test_nothing_reaches_a_model_where_the_prompt_is_wrong(library: Sandbox, ask: Ask) -> None:
    found = prompts(library.account())
    with pytest.raises(MissingVariablesError, match="'company'"):
        ask(found, "complete", "pp-support@1", {})
    with pytest.raises(EncodingError, match="an override"):
        ask(found, "complete", "pp-support@1", VALUES, stop=object())
    with pytest.raises(NotFoundError), pytest.warns(PortkeyWarning, match="Prompt pp-none not found"):
        ask(found, "complete", "pp-none", VALUES)

    assert library.claude.requests == []


def test_labels_travel_with_a_completion(library: Sandbox) -> None:
    found = prompts({**library.account(), "trace_id": "order-4711", "metadata": {"team": "search"}})

    answer = found.complete("pp-support", VALUES, metadata={"_user": "ann"})

    assert answer.info.trace_id == "order-4711"
    headers = library.control_plane.requests[-1].headers
    assert headers["x-portkey-metadata"] == '{"team": "search", "_user": "ann"}'.replace(" ", "")


def test_a_key_shows_in_no_error_of_the_library(library: Sandbox) -> None:
    key = "pk-very-secret-0815"
    library.control_plane.inject(Fault("status", status=500, message=f"no {key} here", times=2))

    with pytest.raises(ServerError) as caught:
        prompts({**library.account(), "api_key": key}).render("pp-support", VALUES)

    assert key not in f"{caught.value} {caught.value.body}"


def test_the_client_has_the_library(library: Sandbox) -> None:
    client = GatewayClient(GatewayOptions(**library.account()))

    assert client.prompts is client.prompts
    assert client.prompts.render("pp-support", VALUES).messages == FILLED
