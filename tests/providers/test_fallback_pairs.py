"""Each provider falls back on each other one: of the same requests neither refuses what it is sent.

Of two providers one order is asked whole and the other streamed; ``test_fallbacks`` asks a few of them in either way.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
from pydantic import BaseModel

from docs.provider_tables import COLUMNS
from portkey_gateway.sandbox import Sandbox
from tests.llamaindex.media import PNG
from tests.providers.behind import NAMES, target
from tests.providers.emulated import Call, EmulatedProvider, RefusedError, Said
from tests.providers.frameworks import FRAMEWORKS, LOOK, Framework, HeardCall, Way
from tests.providers.wires import WIRES

PAIRS: Final = [*itertools.permutations(WIRES, 2)]
LOOKED: Final = Said("I look.", calls=(Call("look", {"at": "sky"}), Call("look", {"at": "sea"})), ending="tool_calls")
NOT_TODAY: Final = RefusedError("Not today.", 503)
# What is said of them is told by tests of their own.
pytestmark = pytest.mark.filterwarnings("ignore::portkey_gateway.errors.PortkeyWarning")


class City(BaseModel):
    """A city."""

    name: str
    population: int


KIEL: Final = {"name": "Kiel", "population": 250_000}
GIVEN: Final = Said(json.dumps(KIEL), calls=(Call("City", KIEL),), ending="tool_calls")
"""An object, whether a tool is heard of or not."""


class Pair:
    """Two providers of a config, of which the first may fail."""

    def __init__(self, framework: Framework, rows: tuple[str, str], both: list[EmulatedProvider], way: Way) -> None:
        self.framework = framework
        self.way: Way = way
        self._rows = rows
        self._first, self._second = both

    def carry(self, *parameters: str) -> bool:
        """Tell whether both hear of parameters."""
        return all({*parameters} <= COLUMNS[row].parameters for row in self._rows)

    def see(self) -> bool:
        """Tell whether both see images."""
        return all("image" in COLUMNS[row].media for row in self._rows)

    def second_says(self, *said: Said, first: tuple[Said, ...] = ()) -> None:
        """Let the second answer what the first does not."""
        self._first.say(*first, NOT_TODAY)
        self._second.say(*said)

    def check(self) -> None:
        """Check that nothing was refused for what it was."""
        assert {refused.status for refused in self._first.refused} == {503}, self._first.refused
        assert not self._second.refused, self._second.refused


@pytest.fixture(params=PAIRS, ids="→".join)
def rows(request: pytest.FixtureRequest) -> tuple[str, str]:
    first, second = request.param
    return first, second


@pytest.fixture(params=FRAMEWORKS)
def pair(request: pytest.FixtureRequest, sandbox: Sandbox, rows: tuple[str, str]) -> Iterator[Pair]:
    with ExitStack() as stack:
        both = [stack.enter_context(EmulatedProvider(WIRES[row]())) for row in rows]
        hosts = [each.base_url.removesuffix("/v1") for each in both]
        targets = [target(row, host) for row, host in zip(rows, hosts, strict=True)]
        config = {"strategy": {"mode": "fallback", "on_status_codes": [503]}, "targets": targets}
        options = {"model": NAMES[rows[0]], "base_url": sandbox.base_url, "config": config, "max_retries": 0}
        framework = FRAMEWORKS[request.param]({**options, "api_format": "chat_completions"})
        first, second = map([*WIRES].index, rows)
        yield Pair(framework, rows, both, "invoke" if first < second else "stream")


def test_neither_refuses_what_it_is_sent(pair: Pair) -> None:
    framework, way = pair.framework, pair.way
    begun = [
        framework.system("Be brief."),
        framework.user("Hi"),
        framework.assistant("Hello."),
        framework.user("Look."),
    ]
    pair.second_says(Said("It is blue."))
    answer = framework.ask(way, begun, temperature=0.5, max_tokens=99)
    assert (answer.text, answer.facts["target_index"]) == ("It is blue.", "config.targets[1]")
    if pair.see():
        assert framework.ask(way, [*begun, framework.user("And this?", PNG)]).text == "It is blue."
    pair.second_says(GIVEN)
    assert framework.give(way, City, "Tell me of Kiel.") == City(name="Kiel", population=250_000)
    pair.check()
    if pair.carry("tools"):
        _check_tools(pair, begun)


def _check_tools(pair: Pair, begun: list[Any]) -> None:
    framework, way = pair.framework, pair.way
    pair.second_says(LOOKED)
    for choice in ("any", "look") if pair.carry("tool_choice") else ("auto",):
        calls = framework.ask(way, begun, tools=[LOOK], tool_choice=choice).calls
        assert {call.name for call in calls} == {"look"}
    pair.second_says(Said("It is blue."), first=(LOOKED,))
    called = framework.ask(way, begun, tools=[LOOK])
    results = [framework.result(HeardCall(call.id, call.name, call.arguments), "blue") for call in called.calls]
    loop = [*begun, framework.stored(called.message), *results]
    for tools in ([LOOK], []):
        assert framework.ask(way, loop, tools=tools).text == "It is blue."
    pair.check()
