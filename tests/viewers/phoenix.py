"""Arize Phoenix: started, and asked by its REST API what it sees. ``python -m tests.viewers.phoenix`` shows it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from tests.viewers.process import ENVIRONMENT, free_port, running
from tests.viewers.seen import SeenSpan

_PORT: Final = 6006
_KEPT_IN: Final = ENVIRONMENT.parent / "build" / "phoenix"
_MORE_THAN_A_TEST_SENDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Phoenix:
    """A Phoenix that runs."""

    url: str
    name: str = "phoenix"

    @property
    def receiver(self) -> dict[str, Any]:
        """Where it takes spans, as options of ``PortkeyTracer`` and ``instrument``."""
        return {"endpoint": f"{self.url}/v1/traces"}

    def spans(self, trace_id: str) -> list[SeenSpan]:
        """What it knows of a trace."""
        found = self._get("spans", trace_id=trace_id, limit=_MORE_THAN_A_TEST_SENDS)
        return [_seen(span) for span in found]

    def sessions(self) -> dict[str, int]:
        """The tokens in and out of each session."""
        return {session["session_id"]: session["token_count_total"] for session in self._get("sessions")}

    def _get(self, what: str, **query: Any) -> list[Any]:
        answer = httpx.get(f"{self.url}/v1/projects/default/{what}", params=query)
        return list(answer.raise_for_status().json()["data"])


@contextmanager
def running_phoenix(folder: Path, *, port: int = 0) -> Iterator[Phoenix]:
    """Run Phoenix, which keeps what it gets in this folder."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_WORKING_DIR": str(folder),
    }
    with running(["phoenix", "serve"], health=f"{url}/healthz", variables=variables):
        yield Phoenix(url)


def _seen(span: Mapping[str, Any]) -> SeenSpan:
    told = span["attributes"]
    return SeenSpan(
        name=span["name"],
        trace_id=span["context"]["trace_id"],
        span_id=span["context"]["span_id"],
        parent_id=span["parent_id"],
        kind=span["span_kind"],
        started_ns=round(datetime.fromisoformat(span["start_time"]).timestamp() * 1e6) * 1000,
        is_error=span["status_code"] == "ERROR",
        ended=told.get("error.type") or told.get("portkey.outcome"),
        session=told.get("session.id"),
        model=told.get("llm.model_name"),
        input_tokens=told.get("llm.token_count.prompt", 0),
        output_tokens=told.get("llm.token_count.completion", 0),
    )


def main() -> None:
    """Run Phoenix until Ctrl-C, and say how traces get there."""
    _KEPT_IN.mkdir(parents=True, exist_ok=True)
    with running_phoenix(_KEPT_IN, port=_PORT) as phoenix:
        endpoint = phoenix.receiver["endpoint"]
        sys.stdout.write(
            f"Phoenix shows traces at {phoenix.url} until Ctrl-C. Send it some:\n\n"
            f'  PortkeyTracer(endpoint="{endpoint}")   # LangChain\n'
            f'  instrument(endpoint="{endpoint}")      # LlamaIndex\n\n'
        )
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
