"""What the real gateway made of each provider's answers, decoded: bytes of ``tests/wire/providers``."""

from __future__ import annotations

import pytest

from portkey_gateway.chat_completions.providers import PROVIDERS
from portkey_gateway.chat_completions.stream import DECODING
from portkey_gateway.conversation.answer import Answer
from portkey_gateway.errors import StreamError
from portkey_gateway.info import GatewayInfo
from tests.providers.emulated import INPUT_TOKENS, OUTPUT_TOKENS
from tests.providers.record import ANSWER, file_of
from tests.providers.wires import WIRES

every_provider = pytest.mark.parametrize("row", WIRES)


def decoded(row: str, kind: str) -> Answer:
    return DECODING.decode(file_of(row, kind).read_bytes(), GatewayInfo(200))


@pytest.mark.parametrize("kind", [".json", ".sse"])
@every_provider
def test_an_answer_is_what_was_said(row: str, kind: str) -> None:
    answer, provider = decoded(row, kind), PROVIDERS[row]
    assert answer.text == ANSWER.text
    is_told = ("whole" if kind == ".json" else "streamed") in provider.thoughts
    thoughts = "".join(block.text for block in answer.blocks if block.type == "thinking")
    assert thoughts == (ANSWER.thinking if is_told else "")
    if kind == ".sse" or row != "deepseek":  # of a whole answer of its the gateway tells the text alone
        assert [(call.name, call.args) for call in answer.tool_calls] == [
            (call.name, call.arguments) for call in ANSWER.calls
        ]
    if kind == ".json" or provider.tells_usage_in_streams:
        assert answer.usage is not None
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (INPUT_TOKENS, OUTPUT_TOKENS)
    # Gemini ends as it always does.
    assert answer.finish_reason == ("stop" if provider.is_gemini else "tool_calls")


@every_provider
def test_half_of_it_is_no_answer(row: str) -> None:
    with pytest.raises(StreamError):
        decoded(row, "_broken.sse")
