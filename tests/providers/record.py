"""``python -m tests.providers.record``: write to ``tests/wire`` what the gateway makes of each provider's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx

from portkey_gateway import GatewayOptions
from portkey_gateway.sandbox import Sandbox
from tests.providers.behind import reached
from tests.providers.emulated import Call, EmulatedProvider, Said
from tests.providers.wires import WIRES

FOLDER: Final = Path(__file__).parent.parent / "wire" / "providers"
ANSWER: Final = Said(
    "Grüße 🌞, both are there.",
    thinking="Hm, well.",
    calls=(Call("look", {"at": "sky"}), Call("look", {"at": "sea"})),
    ending="tool_calls",
)
"""What each provider says."""


def file_of(row: str, kind: str) -> Path:
    """The file of one answer; kinds are ``.json``, ``.sse``, ``_broken.sse`` and ``.received``."""
    return FOLDER / f"{row.replace('/', '_')}{kind}"


def main() -> None:
    """Ask every provider for the same, whole, streamed, and in a stream that it breaks off."""
    FOLDER.mkdir(exist_ok=True)
    with Sandbox() as sandbox, httpx.Client() as client:
        for row, wire in WIRES.items():
            with EmulatedProvider(wire()) as provider:
                provider.say(ANSWER)
                if provider.wire.stream_type != "text/event-stream":
                    file_of(row, ".received").write_bytes(b"".join(provider.wire.stream(ANSWER)))
                given = reached(row, sandbox.base_url, provider.base_url.removesuffix("/v1"))
                fields = given.keys() & GatewayOptions.model_fields.keys()
                headers = GatewayOptions(**{name: given[name] for name in fields}).render_headers()
                request = {"model": given["model"], "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 99}
                for kind in (".json", ".sse", "_broken.sse"):
                    if kind == "_broken.sse":
                        provider.break_off("error")
                    body = {**request, **({} if kind == ".json" else {"stream": True})}
                    answer = client.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers)
                    file_of(row, kind).write_bytes(answer.content)


if __name__ == "__main__":
    main()
