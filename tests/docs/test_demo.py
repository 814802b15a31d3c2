"""``make demo`` shows what it promises."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from portkey_gateway.sandbox import Sandbox, SpanReceiver


def demonstrate(**variables: str) -> str:
    """Run the demo to its end; returns what it shows."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PORTKEY_API", "PORTKEY_EMBEDDING"))
    }
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "demo"],
        cwd=Path(__file__).parents[2],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert "were lost" not in ended.stdout
    return ended.stdout


def test_the_demo_runs_to_its_end_and_shows_true_figures() -> None:
    demonstrated = demonstrate()
    for framework in ("LangChain", "LlamaIndex"):
        shown = demonstrated.partition(f"{framework}: ")[2]
        assert "lighthouse" in shown or "bridge" in shown
        assert "320 x 180 pixels, mostly red (#dc143c)" in shown
        assert "125%" in shown
        assert "10%" in shown
        assert "get_weather(city='Oslo') -> 4 degrees, snow" in shown
        assert "Timetable: The ferry to Strande leaves at 11:40." in " ".join(shown.split())
        assert "web_search_tool_result" in shown or "server_tool_result" in shown
    assert "Trip(city='Lisbon', nights=3)" in demonstrated
    assert '{"city": "Lisbon", "nights": 3}' in demonstrated
    assert "stood more than 100 metres tall" in demonstrated
    assert_both_answer_from_what_they_found(demonstrated)
    fallback = demonstrated.partition("OpenAI first, Claude behind it")[2]
    assert fallback.count("And I am still here.") >= 2
    turns = re.findall(r"^ +([12])  +(\w+)  +(\S+)  +(\S+)$", fallback, re.MULTILINE)
    assert [(turn, provider, target) for turn, provider, _, target in turns] == [
        ("1", "openai", "config.targets[0]"),
        ("2", "anthropic", "config.targets[1]"),
    ] * 2
    first, second = demonstrated.partition(", as a tree")[2].split("An agent of LlamaIndex")
    assert tree_in(first) == [
        "umbrella",
        "├─ ask",
        "└─ invoke_agent clerk",
        "   ├─ chat claude-sonnet-4-6",
        *["   ├─ execute_tool get_weather"] * 2,
        "   └─ chat claude-sonnet-4-6",
    ]
    assert tree_in(second) == [
        "invoke_agent clerk",
        "├─ chat claude-sonnet-4-6",
        *["├─ execute_tool get_weather"] * 2,
        "└─ chat claude-sonnet-4-6",
    ]


def assert_both_answer_from_what_they_found(demonstrated: str) -> None:
    shown = demonstrated.partition("PortkeyEmbeddings and PortkeyEmbedding")[2]
    for framework in ("A retriever of LangChain", "A query engine of LlamaIndex over a vector index"):
        told = dict(
            re.findall(r"^ +(found|claude)  (.+)$", shown.partition(framework)[2].split("\n---")[0], re.MULTILINE)
        )
        assert told["found"] == "The harbour of Kiel is twelve metres deep."
        assert "twelve metres deep" in told["claude"]


def tree_in(shown: str) -> list[str]:
    """The lines of the tree, without the time that each span took."""
    return re.findall(r"^ {12}(.*?)  \d+ ms$", shown, re.MULTILINE)


def test_with_a_key_the_demo_exports_the_trees_and_says_where_to_look(sandbox: Sandbox) -> None:
    with SpanReceiver() as receiver:
        demonstrated = demonstrate(
            **sandbox.env(),
            PORTKEY_API_KEY="pk-test",
            PORTKEY_MODEL=sandbox.model,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=receiver.endpoint,
        )
        roots = {span.trace_id: span.name for span in receiver.spans if span.parent_id is None}
        traces = {span.trace_id for span in receiver.spans}
    told = re.findall(r"view Traces: (\w+)", demonstrated)
    assert [roots[trace_id] for trace_id in told] == ["umbrella", "invoke_agent clerk"]
    assert traces == set(told)
    assert "└─" not in demonstrated
    assert "PORTKEY_EMBEDDING_MODEL names one" in demonstrated
    assert "found  " not in demonstrated


def test_with_a_key_the_demo_embeds_by_the_model_that_is_named(
    sandbox: Sandbox, portkey_sandbox_with_openai: Sandbox
) -> None:
    embedding = portkey_sandbox_with_openai.target("openai", model="text-embedding-3-small")
    with SpanReceiver() as receiver:
        demonstrated = demonstrate(
            **sandbox.env(),
            PORTKEY_API_KEY="pk-test",
            PORTKEY_MODEL=sandbox.model,
            PORTKEY_EMBEDDING_MODEL="text-embedding-3-small",
            PORTKEY_EMBEDDING_CONFIG=json.dumps(embedding),
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=receiver.endpoint,
        )
    assert_both_answer_from_what_they_found(demonstrated)
