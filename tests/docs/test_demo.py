"""``make demo`` shows what it promises."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_demo_runs_to_its_end_and_shows_true_figures() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTKEY_API")}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "demo"],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for framework in ("LangChain", "LlamaIndex"):
        shown = ended.stdout.partition(f"{framework}: ")[2]
        assert "lighthouse" in shown or "bridge" in shown
        assert "320 x 180 pixels, mostly red (#dc143c)" in shown
        assert "125%" in shown
        assert "10%" in shown
        assert "get_weather(city='Oslo') -> 4 degrees, snow" in shown
    in_langchain, in_llamaindex = ended.stdout.partition(", as a tree")[2].split("An agent of LlamaIndex")
    for line in (
        "umbrella",
        "└─ invoke_agent clerk",
        "   │  └─ ChatPortkey  [through the gateway]",
        "   │  └─ execute_tool get_weather",
    ):
        assert f"\n            {line}\n" in in_langchain
    for line in (
        "invoke_agent clerk",
        "│  └─ Portkey.astream_chat  [through the gateway]",
        "│  └─ execute_tool get_weather",
    ):
        assert f"\n            {line}\n" in in_llamaindex
    assert "did not arrive" not in ended.stdout
    assert "stood more than 100 metres tall" in ended.stdout
    assert "Traceback" not in ended.stderr
