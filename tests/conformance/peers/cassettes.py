"""Their cassettes: what Anthropic once answered, one YAML file for each test, compressed."""

import gzip
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # types only here, not worth a package

# The one written in C takes a tenth of the time, but is not in every build of PyYAML.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Answer:
    """One recorded answer."""

    status: int
    media_type: str
    body: bytes


def read_cassette(path: Path) -> list[Answer]:
    """Return the recorded answers in their order.

    Headers were blacked out when the cassette was made. The one that counts, whether it is a stream, shows in the body.
    """
    with gzip.open(path, "rt", encoding="utf-8") as file:
        recorded: dict[str, Any] = yaml.load(file, Loader=_LOADER)  # noqa: S506 - both loaders are the safe ones
    return [_read_answer(each) for each in recorded["responses"]]


def cassette_name(test: str, default: str | None) -> str:
    """Return the file name of a test's cassette.

    Args:
        test: the name of the test's function.
        default: the cassette that the test itself names, if it does.
    """
    return default or f"{test}.yaml.gz"


def _read_answer(recorded: dict[str, Any]) -> Answer:
    text: str | bytes = recorded["body"]["string"]
    body = text.encode() if isinstance(text, str) else text
    status: int = recorded.get("status", {}).get("code", HTTPStatus.OK)
    streamed = body.lstrip().startswith((b"event:", b"data:"))
    return Answer(status, "text/event-stream; charset=utf-8" if streamed else "application/json", body)
