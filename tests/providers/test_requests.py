"""What reaches each provider of a request: every system message, wherever it stands."""

from __future__ import annotations

import json

from tests.providers.emulated import EmulatedProvider
from tests.providers.frameworks import Framework, Way, whole_or_streamed


@whole_or_streamed
def test_every_system_message_arrives(framework: Framework, provider: EmulatedProvider, way: Way) -> None:
    said = [framework.system("Be brief."), framework.system("Be kind.", "Be exact."), framework.user("Hi")]
    assert framework.ask(way, said).text == "Hello."
    assert not provider.refused
    received = json.dumps(provider.received)
    assert [text for text in ("Be brief.", "Be kind.", "Be exact.") if text in received] == [
        "Be brief.",
        "Be kind.",
        "Be exact.",
    ]


@whole_or_streamed
def test_a_system_message_amid_the_conversation_arrives(
    framework: Framework, provider: EmulatedProvider, way: Way
) -> None:
    heard = framework.ask(way, [framework.user("Hi")])
    said = [framework.user("Hi"), heard.message, framework.system("Be brief."), framework.user("Who are you?")]
    assert framework.ask(way, said).text == "Hello."
    assert not provider.refused
    assert "Be brief." in json.dumps(provider.received)
