"""What is a secret by the name under which it stands, in mappings, lists and JSON texts: found, and hidden. Pure."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import SecretStr

from portkey_gateway.names import in_snake_case

# Whole words: api-key, aws_secret_access_key and apiKey name secrets, x-portkey-debug and tokenizer none.
_SECRET_WORD: Final = re.compile(
    r"(?:^|[-_\s])(?:(?:api)?keys?|secrets?|tokens?|authorization|passwords?|passwd|credentials?|cookies?)(?=[-_\s]|$)"
    r"|(?:^|[-_\s])(?:auth|sig|signature)$",
    re.IGNORECASE,
)
_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z]+(?:[-_][A-Za-z]+)*")
# How keys of providers and of Portkey begin, and what is too long and too mixed for a word.
_KEY: Final = re.compile(
    r"(?:sk|pk|rk|vk|gsk|xai|hf|ghp|glpat|akia|aiza)[-_]?[\w-]{12,}|(?=(?:\D*\d){4})[\w-]{32,}", re.IGNORECASE
)
_SCHEME: Final = re.compile(r"(?:Bearer|Basic|Token|ApiKey|Digest)\s+", re.IGNORECASE)
_MIN_SECRET_LENGTH: Final = 6


def find_secrets(value: Any) -> tuple[str, ...]:
    """The key texts inside mappings, lists and JSON texts, by the names under which they stand."""
    if value is None:
        return ()
    return tuple(filter(is_long, _find_secrets(value)))


def hide_secrets(value: Any, name: str = "") -> Any:
    """The value with every key text in it as a ``SecretStr``, by the names under which ``find_secrets`` finds them.

    Args:
        value: a text, a mapping, a list, or anything else, which stays as it is.
        name: under which the value stands.
    """
    if isinstance(value, Mapping):
        return {key: hide_secrets(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [hide_secrets(inner, name) for inner in value]
    return SecretStr(value) if isinstance(value, str) and any(_find_secrets(value, name)) else value


def _find_secrets(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _find_secrets(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _find_secrets(inner, name)
    elif isinstance(value, str) and _SECRET_WORD.search(in_snake_case(name)):
        yield _SCHEME.sub("", value, count=1)
    elif isinstance(value, str) and looks_like_key(value):
        yield value  # under a name that tells nothing
    elif isinstance(value, str) and _URL.match(value) and ("?" in value or "@" in value):
        yield from _secrets_of_url(value)
    elif isinstance(value, str) and value.lstrip().startswith("{"):
        # A config that is written into a header.
        with contextlib.suppress(ValueError):
            yield from _find_secrets(json.loads(value))


def _secrets_of_url(url: str) -> Iterator[str]:
    """The password and the keys in the query of a URL, as they stand there and as they are meant."""
    try:
        parts = urlsplit(url)
        told = [(name, value) for name, value in parse_qsl(parts.query) if _SECRET_WORD.search(in_snake_case(name))]
        password = parts.password
    except ValueError:
        return
    for value in (*(value for _, value in told), *([password] if password else [])):
        yield value
        yield quote(value, safe="")


def shown_name(name: str) -> str:
    """The name of a header as an error may show it: a key may have been given in its place."""
    return name if _PLAIN_NAME.fullmatch(name) and not looks_like_key(name) else "(its name is not shown)"


def looks_like_key(text: str) -> bool:
    """Tell whether a text that should be a name looks like a key."""
    return bool(_KEY.fullmatch(text))


def shown_url(url: str) -> str:
    """A URL as an error may show it: without user, password and query, which may be a signature."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, mark, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"[:200] + ("?..." if "?" in url else "")


def is_long(secret: str) -> bool:
    """Tell whether a text is long enough to be a key."""
    return len(secret) >= _MIN_SECRET_LENGTH
