"""The fixtures of this folder."""

from typing import Any

import pytest

from portkey_gateway.sandbox import Sandbox
from tests.life.asking import FORMATS, FRAMEWORKS, Model
from tests.support.fixtures import event_loop_of_the_thread

__all__ = ["event_loop_of_the_thread"]


@pytest.fixture
def options(sandbox: Sandbox) -> dict[str, Any]:
    """The options of a model that asks through the real gateway, and once only."""
    return {"model": sandbox.model, **sandbox.options(), "max_retries": 0}


@pytest.fixture(
    params=[(make, name) for make in FRAMEWORKS for name in FORMATS], ids=lambda each: f"{each[0].__name__}-{each[1]}"
)
def model(request: pytest.FixtureRequest, options: dict[str, Any]) -> Model:
    """A model of each framework, in each API format."""
    make, name = request.param
    made: Model = make(**{**options, "api_format": name})
    return made
