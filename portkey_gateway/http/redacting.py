"""The secrets of a call, blotted out of whatever its errors say: servers echo keys, whole and streamed. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import takewhile
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

from portkey_gateway.errors import PortkeyError, StreamProviderError
from portkey_gateway.http.asked_keys import AskedKeys
from portkey_gateway.secret_names import is_long

# What a server says of a call in headers, and may say with a key in it.
_ECHOED: Final = ("trace_id", "request_id", "provider", "cache_status", "target_index", "headers")
_REDACTED: Final = "[redacted]"
# What many keys begin with tells nothing and may be a word of its own: "sk-ant-api03", or "anthropic" of a virtual key.
_TELLING_LENGTH: Final = 12


class Redacting:
    """Blots the secrets of a call out of the core's errors; a context manager does so with what is raised inside.

    It knows no more of the call, so that a stream which is open holds neither the body of its request nor its headers.

    Args:
        secrets: texts that must never show.
        keys: those that functions are asked for.
    """

    __slots__ = ("_keys", "_secrets")

    def __init__(self, secrets: tuple[str, ...], keys: AskedKeys | None) -> None:
        self._secrets = secrets
        self._keys = keys

    def __enter__(self) -> None:
        """Nothing begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not raised from here: this frame, in the error's own traceback, would hold the error, and both the request.
        if isinstance(error, PortkeyError):
            self.redacted(error).__suppress_context__ = True

    def redacted(self, error: PortkeyError) -> PortkeyError:
        """The same error with the secrets blotted out."""
        error.message = self._redact(error.message)
        error.args = (error.message,)
        error.body = self._redact(error.body)
        if isinstance(error, StreamProviderError):
            error.error_type = self._redact(error.error_type)
        if error.info:
            facts = {name: self._redact(getattr(error.info, name)) for name in _ECHOED}
            error.info = replace(error.info, **facts)
        # h11 quotes a line of a response that it cannot read.
        if self._redact(str(error.__cause__)) != str(error.__cause__):
            error.__cause__ = None
        return error

    def _redact(self, value: Any) -> Any:
        if isinstance(value, str):
            secrets = (*self._secrets, *filter(is_long, self._keys.given)) if self._keys else self._secrets
            if not secrets:
                return value
            # The longest first, so that no key is left in pieces by one that it begins with.
            longest_first = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
            value = re.sub("|".join(map(re.escape, longest_first)), _REDACTED, value)
            for secret in longest_first:
                value = _blot_out_beginning(secret, value)
            return value
        if isinstance(value, Mapping):
            return {self._redact(name): self._redact(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._redact(item) for item in value]
        return value


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as texts of JSON, of Python and in URLs have it; also JSON within JSON."""
    in_json = json.dumps(secret)[1:-1]
    in_ascii = secret.encode("ascii", "backslashreplace").decode()
    return {secret, in_json, json.dumps(in_json)[1:-1], repr(secret)[1:-1], secret.replace("'", "\\'"), in_ascii,
            in_json.replace("'", "\\'"), quote(secret, safe=""), quote(secret)}  # fmt: skip


def _blot_out_beginning(secret: str, text: str) -> str:
    """Blot out what an excerpt, cut inside a secret, still shows of it: whatever follows where it was cut."""
    beginning = secret[:_TELLING_LENGTH]
    if len(beginning) < _TELLING_LENGTH:
        return text
    before, *rest = text.split(beginning)
    shown = [before]
    for piece in rest:
        pairs = zip(secret[_TELLING_LENGTH:], piece, strict=False)
        as_long = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        shown += [_REDACTED, piece[as_long:]]
    return "".join(shown)
