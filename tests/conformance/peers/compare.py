"""What ChatPortkey asked, beside what ChatAnthropic asks in the same place, request by request.

A recorded answer comes whatever was asked. So a test that passes has shown that the answer was understood; only this
shows whether Anthropic would have given it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from tests.conformance.peers.results import Asked, Result, Results

LEFT_OUT: Final = ("stream",)
"""Differs in every call: ChatAnthropic says of a whole answer nothing."""

GATEWAYS_BETA: Final = "messages-2023-12-15"
"""The gateway adds it to every request that names no beta."""

_SHOWN: Final = 90


def compare(ours: Results, theirs: Results) -> str:
    """Return all differences as text: how often each kind occurs, then test by test."""
    kinds: Counter[str] = Counter()
    lines: list[str] = []
    for name, result in ours.items():
        found = [*compare_tests(result, theirs.get(name))]
        kinds.update(map(_kind, found))
        lines += [f"{'passed' if result['passed'] else 'FAILED'} {name}", *(f"  {each}" for each in found)]
        lines += [f"  warned: {said}" for said in result["warned"]]
    counted = [f"{count:4d} x {kind}" for kind, count in kinds.most_common()] or ["no differences"]
    head = [
        f"Requests beside ChatAnthropic's. Not compared: {', '.join(LEFT_OUT)}, the gateway's own {GATEWAYS_BETA},",
        "and whether something is there that says nothing (null, false, empty).",
    ]
    return "\n".join([*head, "", *counted, "", *lines]) + "\n"


def count_alike(ours: Results, theirs: Results) -> int:
    """Count the tests that asked all that ChatAnthropic asks, and the same."""
    return sum(not any(compare_tests(result, theirs.get(name))) for name, result in ours.items())


def compare_tests(ours: Result, theirs: Result | None) -> Iterator[str]:
    """Name the differences between the requests of one test."""
    for turn, asked in enumerate(ours["asked"], 1):
        if theirs is None or turn > len(theirs["asked"]):
            yield f"request {turn}: not among theirs"
        else:
            for difference in _compare_requests(asked, theirs["asked"][turn - 1]):
                yield f"request {turn}: {difference}"
    made, expected = len(ours["asked"]), len(theirs["asked"]) if theirs else 0
    if made < expected:
        yield f"requests lacking: {expected - made} of {expected}"


def differences(ours: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """Name every place in which two JSON values differ; a text and its only text block are the same."""
    ours, theirs = _one_form(ours, theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted({*ours, *theirs}):
            if key in ours and key in theirs:
                yield from differences(ours[key], theirs[key], f"{where}.{key}")
            elif key in theirs and not _says_nothing(theirs[key]):
                yield f"{where}.{key} lacking: {_show(theirs[key])}"
            elif key in ours and not _says_nothing(ours[key]):
                yield f"{where}.{key} added: {_show(ours[key])}"
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{where} other length: {len(ours)}, theirs {len(theirs)}"
        for position, (our, their) in enumerate(zip(ours, theirs, strict=False)):
            yield from differences(our, their, f"{where}[{position}]")
    elif ours != theirs:
        yield f"{where} other value: {_show(ours)}, theirs {_show(theirs)}"


def _compare_requests(ours: Asked, theirs: Asked) -> Iterator[str]:
    our_betas, their_betas = ({*asked["betas"]} - {GATEWAYS_BETA} for asked in (ours, theirs))
    for word, betas in (("lacking", their_betas - our_betas), ("added", our_betas - their_betas)):
        if betas:
            yield f"anthropic-beta {word}: {', '.join(sorted(betas))}"
    our_body, their_body = (
        {key: value for key, value in asked["body"].items() if key not in LEFT_OUT} for asked in (ours, theirs)
    )
    yield from differences(our_body, their_body)


def _one_form(ours: Any, theirs: Any) -> tuple[Any, Any]:
    if isinstance(ours, str) and isinstance(theirs, list):
        return [{"type": "text", "text": ours}], theirs
    if isinstance(theirs, str) and isinstance(ours, list):
        return ours, [{"type": "text", "text": theirs}]
    return ours, theirs


def _says_nothing(value: Any) -> bool:
    """Return whether a value is as good as none; a call that Claude itself made, not its code, is the usual one."""
    return value is None or value is False or value in ([], {}, {"type": "direct"})


def _kind(difference: str) -> str:
    """Return the difference without what it holds and which request, message and block it is in."""
    place = re.sub(r"^request \d+: ", "", difference)
    return re.sub(r"\[\d+\]", "[]", place.partition(": ")[0])


def _show(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
