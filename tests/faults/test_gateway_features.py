"""What the gateway does by itself under a config, and what an answer or an error says of it, in both API formats."""

from __future__ import annotations

from typing import Any

import pytest

from portkey_gateway import (
    GatewayClient,
    GatewayOptions,
    GuardrailDeniedError,
    OverloadedError,
    PortkeyWarning,
    RequestTimeoutError,
    ServerError,
)
from portkey_gateway.sandbox import Fault, Sandbox
from tests.support.calls import Ask, any_call, streamed_call, whole_call
from tests.support.recording import RecordingServer, Reply
from tests.support.wires import CHAT_COMPLETIONS, MESSAGES, PROXIED, Wire

TEXT = "Fine, that is our secret."
TELL: Any = {"type": "function", "function": {"name": "tell", "parameters": {"type": "object"}}}
OVERLOADED = Fault(kind="status", status=529)


def client(sandbox: Sandbox, wire: Wire, config: dict[str, Any], **options: Any) -> GatewayClient:
    """A client for which the config alone says where to go; it leaves all retries to the gateway."""
    fields: dict[str, Any] = {"base_url": sandbox.base_url, "config": config, "trace_id": "trace-1", **options}
    return GatewayClient(GatewayOptions(api_format=wire.api_format, **fields), timeout_s=5, max_retries=0)


def target(sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """A target of a config: Claude."""
    return {
        "provider": "anthropic",
        "api_key": sandbox.provider_api_key,
        "custom_host": sandbox.custom_host,
        **more,
    }


def no_secret(*, deny: bool) -> list[dict[str, Any]]:
    """A guardrail that fails on a word."""
    check = {"operator": "none", "words": ["secret"]}
    return [{"default.contains": check, "deny": deny, "id": "no-secret"}]


def statuses(sandbox: Sandbox) -> list[int]:
    """The status of every answer that Claude gave."""
    return [request.status for request in sandbox.claude.requests]


# --- retries and targets ----------------------------------------------------------------------------------------------


@any_call
def test_the_gateways_own_retries_are_told_with_the_answer(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    sandbox.claude.reply_with(TEXT, times=3)
    sandbox.claude.inject(OVERLOADED)
    config = target(sandbox, retry={"attempts": 2, "on_status_codes": [529]})

    found = ask(client(sandbox, any_wire, config), any_wire.request)

    assert found.text == TEXT
    assert statuses(sandbox) == [529, 200]
    assert (found.info.retry_count, found.info.target_index, found.info.trace_id) == (1, "config", "trace-1")
    assert (found.info.provider, found.info.request_id) == ("anthropic", sandbox.claude.requests[1].request_id)


@any_call
def test_an_overload_that_outlasts_the_gateways_retries_is_told_as_it_is(
    sandbox: Sandbox, any_wire: Wire, ask: Ask
) -> None:
    sandbox.claude.inject(Fault(kind="status", status=529, times=9))
    config = target(sandbox, retry={"attempts": 2, "on_status_codes": [529]})

    with pytest.raises(OverloadedError, match=r"overloaded_error: .*Overloaded") as caught:
        ask(client(sandbox, any_wire, config), any_wire.request)

    assert statuses(sandbox) == [529, 529, 529]
    assert caught.value.info is not None
    assert (caught.value.info.retry_count, caught.value.trace_id) == (-1, "trace-1")  # -1: all of them were in vain
    assert caught.value.request_id == sandbox.claude.requests[-1].request_id


@any_call
def test_a_target_that_cannot_be_reached_is_replaced_by_the_next(
    sandbox: Sandbox, any_wire: Wire, closed_port: int, ask: Ask
) -> None:
    sandbox.claude.reply_with(TEXT)
    dead = target(sandbox, custom_host=f"http://127.0.0.1:{closed_port}/v1")
    config = {"strategy": {"mode": "fallback"}, "targets": [dead, target(sandbox)]}

    found = ask(client(sandbox, any_wire, config), any_wire.request)

    assert found.text == TEXT
    assert (found.info.target_index, found.info.trace_id) == ("config.targets[1]", "trace-1")
    assert found.info.request_id == sandbox.claude.requests[0].request_id


@any_call
def test_a_target_that_fails_is_replaced_by_the_next(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    sandbox.claude.reply_with(TEXT, times=2)
    sandbox.claude.inject(OVERLOADED)
    config = {"strategy": {"mode": "fallback"}, "targets": [target(sandbox), target(sandbox)]}

    found = ask(client(sandbox, any_wire, config), any_wire.request)

    assert found.text == TEXT
    assert statuses(sandbox) == [529, 200]
    assert found.info.target_index == "config.targets[1]"


@any_call
def test_where_all_targets_fail_the_last_error_is_told(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    sandbox.claude.inject(OVERLOADED)
    sandbox.claude.inject(Fault(kind="status", status=500, message="Not today."))
    config = {"strategy": {"mode": "fallback"}, "targets": [target(sandbox), target(sandbox)]}

    with pytest.raises(ServerError, match=r"Not today\.") as caught:
        ask(client(sandbox, any_wire, config), any_wire.request)

    assert caught.value.status == 500
    assert caught.value.info is not None
    assert caught.value.info.target_index == "config.targets[1]"


@any_call
def test_a_lasting_error_is_not_passed_to_the_next_target_where_the_config_says_so(
    sandbox: Sandbox, any_wire: Wire, ask: Ask
) -> None:
    sandbox.claude.inject(Fault(kind="status", status=529))
    strategy = {"mode": "fallback", "on_status_codes": [500]}
    config = {"strategy": strategy, "targets": [target(sandbox), target(sandbox)]}

    with pytest.raises(OverloadedError):
        ask(client(sandbox, any_wire, config), any_wire.request)

    assert statuses(sandbox) == [529]


@any_call
@pytest.mark.parametrize(("plan", "index"), [("paid", 1), ("none", 0)])
def test_metadata_choose_the_target(sandbox: Sandbox, any_wire: Wire, ask: Ask, plan: str, index: int) -> None:
    sandbox.claude.reply_with(TEXT)
    conditions = [{"query": {"metadata.plan": {"$eq": "paid"}}, "then": "paid"}]
    config = {
        "strategy": {"mode": "conditional", "conditions": conditions, "default": "free"},
        "targets": [target(sandbox, name="free"), target(sandbox, name="paid")],
    }

    found = ask(client(sandbox, any_wire, config), any_wire.request, metadata={"plan": plan})

    assert found.text == TEXT
    assert found.info.target_index == f"config.targets[{index}]"


@any_call
def test_the_weight_of_a_target_chooses_it(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    config = {
        "strategy": {"mode": "loadbalance"},
        "targets": [target(sandbox, weight=0), target(sandbox, weight=1)],
    }

    assert ask(client(sandbox, any_wire, config), any_wire.request).info.target_index == "config.targets[1]"


@any_call
def test_the_model_of_a_target_is_the_one_that_answers(sandbox: Sandbox, any_wire: Wire, ask: Ask) -> None:
    config = target(sandbox, override_params={"model": "claude-haiku-4-5"})

    found = ask(client(sandbox, any_wire, config), any_wire.request)

    assert found.model == "claude-haiku-4-5"
    assert [request.body["model"] for request in sandbox.claude.requests] == ["claude-haiku-4-5"]


@any_call
def test_the_time_limit_of_a_config(sandbox: Sandbox, server: RecordingServer, any_wire: Wire, ask: Ask) -> None:
    server.reply(Reply((5.0,), then="close"))
    config = target(sandbox, custom_host=server.base_url, request_timeout=100)

    with pytest.raises(RequestTimeoutError) as caught:
        ask(client(sandbox, any_wire, config), any_wire.request)

    assert (caught.value.status, caught.value.trace_id) == (408, "trace-1")
    assert caught.value.is_retryable


@any_call
def test_a_target_beyond_its_time_is_replaced_by_the_next(
    sandbox: Sandbox, server: RecordingServer, any_wire: Wire, ask: Ask
) -> None:
    server.reply(Reply((5.0,), then="close"))
    sandbox.claude.reply_with(TEXT)
    slow = target(sandbox, custom_host=server.base_url, request_timeout=100)
    config = {"strategy": {"mode": "fallback"}, "targets": [slow, target(sandbox)]}

    found = ask(client(sandbox, any_wire, config), any_wire.request)

    assert found.text == TEXT
    assert found.info.target_index == "config.targets[1]"


# --- guardrails -------------------------------------------------------------------------------------------------------


def asked(wire: Wire, text: str) -> Any:
    """The request of a wire with another question."""
    return {**wire.request, "messages": [{"role": "user", "content": text}]}


@any_call
def test_a_guardrail_denies_a_question(sandbox: Sandbox, wire: Wire, ask: Ask) -> None:
    config = target(sandbox, input_guardrails=no_secret(deny=True))

    with pytest.raises(GuardrailDeniedError, match="hooks_failed: The guardrail checks") as caught:
        ask(client(sandbox, wire, config), asked(wire, "Tell me a secret"))

    [verdict] = caught.value.hook_results["before_request_hooks"]
    assert (verdict["id"], verdict["verdict"]) == ("no-secret", False)
    assert (caught.value.status, caught.value.trace_id) == (446, "trace-1")
    assert not caught.value.is_retryable
    assert sandbox.claude.requests == []


@any_call
@pytest.mark.parametrize(
    ("question", "deny", "status", "passed"),
    [
        ("Tell me a secret", False, 246, False),
        ("Tell me a story", False, 200, True),
        ("Tell me a story", True, 200, True),
    ],
)
def test_the_verdict_on_a_question_that_is_let_through(
    sandbox: Sandbox, wire: Wire, *, ask: Ask, question: str, deny: bool, status: int, passed: bool
) -> None:
    sandbox.claude.reply_with(TEXT)
    config = target(sandbox, input_guardrails=no_secret(deny=deny))

    found = ask(client(sandbox, wire, config), asked(wire, question))

    assert found.text == TEXT
    assert (found.finish_reason, found.info.status) == ("stop", status)
    assert found.hook_results is not None
    assert [(each["id"], each["verdict"]) for each in found.hook_results["before_request_hooks"]] == [
        ("no-secret", passed)
    ]


@whole_call
def test_a_guardrail_denies_an_answer(sandbox: Sandbox, wire: Wire, ask: Ask) -> None:
    sandbox.claude.reply_with(TEXT)
    config = target(sandbox, output_guardrails=no_secret(deny=True))

    with pytest.raises(GuardrailDeniedError) as caught:
        ask(client(sandbox, wire, config), wire.request)

    [verdict] = caught.value.hook_results["after_request_hooks"]
    assert (verdict["id"], verdict["verdict"]) == ("no-secret", False)
    assert TEXT not in f"{caught.value} {caught.value.body}"


@whole_call
def test_the_verdict_on_an_answer_that_is_let_through(sandbox: Sandbox, wire: Wire, ask: Ask) -> None:
    sandbox.claude.reply_with(TEXT)
    config = target(sandbox, output_guardrails=no_secret(deny=False))

    found = ask(client(sandbox, wire, config), wire.request)

    assert (found.text, found.info.status) == (TEXT, 246)
    assert found.hook_results is not None
    assert [each["verdict"] for each in found.hook_results["after_request_hooks"]] == [False]


@streamed_call
@pytest.mark.parametrize("deny", [True, False])
def test_the_gateway_checks_no_streamed_answer(sandbox: Sandbox, wire: Wire, ask: Ask, deny: bool) -> None:
    sandbox.claude.reply_with(TEXT)
    config = target(sandbox, output_guardrails=no_secret(deny=deny))

    found = ask(client(sandbox, wire, config), wire.request)

    assert (found.text, found.info.status, found.hook_results) == (TEXT, 200, None)


@any_call
def test_a_denied_target_is_replaced_by_the_next(sandbox: Sandbox, wire: Wire, ask: Ask) -> None:
    sandbox.claude.reply_with(TEXT)
    strict = target(sandbox, input_guardrails=no_secret(deny=True))
    config = {"strategy": {"mode": "fallback", "on_status_codes": [446]}, "targets": [strict, target(sandbox)]}

    found = ask(client(sandbox, wire, config), asked(wire, "Tell me a secret"))

    assert found.text == TEXT
    assert (found.info.status, found.info.target_index) == (200, "config.targets[1]")


@any_call
def test_a_mutator_changes_the_question(sandbox: Sandbox, wire: Wire, ask: Ask) -> None:
    rule = {"rule": "secret", "redactText": "story"}
    config = target(sandbox, input_mutators=[{"default.regexReplace": rule, "id": "tame"}])

    ask(client(sandbox, wire, config), asked(wire, "Tell me a secret"))

    [request] = sandbox.claude.requests
    assert "Tell me a story" in str(request.body["messages"])


@whole_call
@pytest.mark.parametrize("strict", [False, True])
def test_a_mutator_changes_the_answer_and_nothing_else_in_it(
    sandbox: Sandbox, wire: Wire, ask: Ask, strict: bool
) -> None:
    thought = {"type": "thinking", "thinking": "A secret?", "signature": "c2lnbmVk"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "tell", "input": {"what": "secret"}}
    sandbox.claude.reply_with(thought, TEXT, " Keep the secret!", call)
    rule = {"rule": "(?<=our |the )secret", "redactText": "story"}
    config = target(sandbox, output_mutators=[{"default.regexReplace": rule, "id": "tame"}])
    calling = client(sandbox, wire, config, strict_open_ai_compliance=strict)

    found = ask(calling, {**wire.request, "tools": [TELL]})

    # The gateway replaces once in a text, and chat completions has but one; strict, it tells no thoughts in it.
    assert found.text.startswith("Fine, that is our story. Keep the ")
    expected = [] if strict and wire is CHAT_COMPLETIONS else ["thinking"]
    assert [block.type for block in found.blocks if block.type != "text"] == expected
    assert [(made.id, made.args) for made in found.tool_calls] == [("toolu_1", {"what": "secret"})]
    assert (found.finish_reason, found.info.status) == ("tool_calls", 200)
    assert found.hook_results is not None
    assert [each["transformed"] for each in found.hook_results["after_request_hooks"]] == [True]


@any_call
def test_no_parameter_leads_a_request_past_a_guardrail(sandbox: Sandbox, ask: Ask) -> None:
    config = target(sandbox, input_guardrails=no_secret(deny=True))

    with (
        pytest.warns(PortkeyWarning, match="inference_geo does not reach Claude"),
        pytest.raises(GuardrailDeniedError),
    ):
        ask(client(sandbox, MESSAGES, config), asked(PROXIED, "Tell me a secret"))

    assert sandbox.claude.requests == []
