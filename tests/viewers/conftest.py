"""The viewers, each started once for all tests, and the run that is shown to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.viewers.mlflow import MLflow, running_mlflow
from tests.viewers.phoenix import Phoenix, running_phoenix


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phoenix]:
    with running_phoenix(tmp_path_factory.mktemp("phoenix")) as viewer:
        yield viewer


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflow]:
    with running_mlflow(tmp_path_factory.mktemp("mlflow")) as viewer:
        yield viewer


@pytest.fixture(autouse=True)
def time_for_busy_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Viewers that have just started answer slowly, and a lost span would be no fault of theirs."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "60")


@pytest.fixture
def both(portkey_sandbox_with_openai: Sandbox) -> Iterator[Sandbox]:
    """A sandbox with both providers, without what other tests asked, queued or broke."""
    sandbox = portkey_sandbox_with_openai
    for server in (sandbox.claude, sandbox.openai):
        server.clear()
    yield sandbox
    for server in (sandbox.claude, sandbox.openai):
        server.clear()
