"""The small whole programs, run on the sandbox: what they show, and what a user of theirs gets when Claude fails."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from examples import batch, fastapi_streaming, langgraph_memory, multimodal
from portkey_gateway.sandbox import Fault, Sandbox
from portkey_langchain import ChatPortkey


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Callable[[], None]], str]:
    """Run a program as somebody without a key does, and return what it prints."""
    for name in ("API_KEY", "BASE_URL", "PROVIDER", "PROVIDER_API_KEY", "CUSTOM_HOST"):
        monkeypatch.delenv(f"PORTKEY_{name}", raising=False)

    def run(main: Callable[[], None]) -> str:
        main()
        return capsys.readouterr().out

    return run


def test_langgraph_remembers_each_thread_by_itself(shown: Callable[[Callable[[], None]], str]) -> None:
    *_, ann_asks, ann_hears, ben_asks, ben_hears = shown(langgraph_memory.main).splitlines()
    assert (ann_asks, ben_asks) == ("ann: What is my name?", "ben: What is my name?")
    assert "Ann" in ann_hears
    assert "Ben" not in ann_hears
    assert "Ben" in ben_hears


def test_both_frameworks_see_the_picture_and_cite_the_timetable(shown: Callable[[Callable[[], None]], str]) -> None:
    said = shown(multimodal.main)
    assert said.count("320 x 180 pixels, mostly red (#dc143c)") == 2
    assert said.count("Timetable: The ferry to Strande leaves at 11:40.") == 2


def test_a_batch_goes_on_where_it_ended(shown: Callable[[Callable[[], None]], str]) -> None:
    assert shown(batch.main).splitlines() == [
        "answered 30, failed 10, there before 0",
        "answered 15, failed 5, there before 40",
        "errors: an empty review",
    ]


async def ask(sandbox: Sandbox, **parameters: str) -> tuple[int, list[tuple[str, str]]]:
    """Ask the service, and return the status and its events."""
    app = fastapi_streaming.build_app(ChatPortkey(model=sandbox.model, max_retries=0, **sandbox.options()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        answer = await client.get("/ask", params=parameters)
    pieces = [piece.split("\n") for piece in answer.text.split("\n\n") if piece.startswith("event: ")]
    return answer.status_code, [(name.removeprefix("event: "), json.loads(data[6:])) for name, data in pieces]


async def test_the_service_streams_an_answer_to_its_end(sandbox: Sandbox) -> None:
    status, events = await ask(sandbox, question="Tell me a short story.", user="ann")
    assert status == 200
    assert len(events) > 10
    assert "".join(data for name, data in events if name == "text").startswith("Here is a story")
    assert events[-1] == ("done", "")


async def test_the_service_tells_that_an_answer_broke_off(sandbox: Sandbox) -> None:
    sandbox.claude.inject(Fault("error_mid_stream", after=8))
    status, events = await ask(sandbox, question="Tell me a short story.")
    assert status == 200
    assert events[-1] == ("error", "StreamProviderError")


async def test_what_fails_before_the_answer_is_a_status(sandbox: Sandbox) -> None:
    sandbox.claude.inject(Fault("status", status=529))
    assert await ask(sandbox, question="Hello") == (502, [])
