"""MLflow's tracking server: started, and asked what it sees."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.viewers.process import free_port, running
from tests.viewers.seen import SeenSpan

_EXPERIMENT: Final = "0"
"""The experiment that every server has."""


@dataclass(frozen=True, slots=True)
class MLflow:
    """An MLflow that runs."""

    url: str
    name: str = "mlflow"

    @property
    def receiver(self) -> dict[str, Any]:
        """Where it takes spans, as options of ``PortkeyTracer`` and ``instrument``."""
        return {"endpoint": f"{self.url}/v1/traces", "headers": {"x-mlflow-experiment-id": _EXPERIMENT}}

    def spans(self, trace_id: str) -> list[SeenSpan]:
        """What it knows of a trace."""
        answer = httpx.get(
            f"{self.url}/ajax-api/3.0/mlflow/get-trace-artifact", params={"request_id": f"tr-{trace_id}"}
        )
        return [_seen(span) for span in answer.raise_for_status().json()["spans"]]

    def sessions(self) -> dict[str, int]:
        """The tokens in and out of each session."""
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": _EXPERIMENT}}
        answer = httpx.post(f"{self.url}/api/3.0/mlflow/traces/search", json={"locations": [place]})
        totals: dict[str, int] = {}
        for trace in answer.raise_for_status().json()["traces"]:
            told = trace["trace_metadata"]
            if session := told.get("mlflow.trace.session"):
                used = json.loads(told.get("mlflow.trace.tokenUsage", "{}"))
                totals[session] = totals.get(session, 0) + used.get("total_tokens", 0)
        return totals


@contextmanager
def running_mlflow(folder: Path) -> Iterator[MLflow]:
    """Run MLflow, which keeps what it gets in this folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
        "--default-artifact-root", str(folder / "artifacts"),
    ]  # fmt: skip
    with running(command, health=f"{url}/health"):
        yield MLflow(url)


def _seen(span: Mapping[str, Any]) -> SeenSpan:
    # Values are JSON in the server's store.
    told = {name: json.loads(value) for name, value in span["attributes"].items()}
    used = told.get("mlflow.chat.tokenUsage", {})
    return SeenSpan(
        name=span["name"],
        trace_id=_hexadecimal(span["trace_id"]),
        span_id=_hexadecimal(span["span_id"]),
        parent_id=_hexadecimal(span["parent_span_id"]) if span["parent_span_id"] else None,
        kind=told.get("mlflow.spanType", ""),
        started_ns=span["start_time_unix_nano"] // 1000 * 1000,
        is_error=span["status"]["code"] == "STATUS_CODE_ERROR",
        ended=told.get("error.type") or told.get("portkey.outcome"),
        session=told.get("gen_ai.conversation.id"),
        model=told.get("mlflow.llm.model"),
        input_tokens=used.get("input_tokens", 0),
        output_tokens=used.get("output_tokens", 0),
    )


def _hexadecimal(encoded: str) -> str:
    return base64.b64decode(encoded).hex()
