"""ChatPortkey under ChatAnthropic's name: what their tests write to construct one, in our words."""

from collections.abc import Callable, Container, Mapping
from typing import Any, Final

from portkey_langchain import ChatPortkey

RENAMED: Final[Mapping[str, str]] = {
    "model_name": "model",
    "max_tokens_to_sample": "max_tokens",
    "stop_sequences": "stop",
    "effort": "reasoning_effort",
    "api_key": "provider_api_key",
    "anthropic_api_key": "provider_api_key",
}
"""What ChatAnthropic calls otherwise than ChatPortkey, its aliases among them."""

PROVIDER_API_KEY: Final = "sk-ant-replayed-not-a-secret"


def our_options(given: Mapping[str, Any], ours: Container[str]) -> dict[str, Any]:
    """Return ChatAnthropic's constructor arguments as ChatPortkey's.

    Args:
        given: what a test writes.
        ours: the names of ChatPortkey's fields; whatever else is given is a parameter of the request.
    """
    options: dict[str, Any] = {}
    parameters: dict[str, Any] = dict(given.get("model_kwargs") or {})
    for theirs, value in given.items():
        name = RENAMED.get(theirs, theirs)
        if theirs != "model_kwargs":
            (options if name in ours else parameters)[name] = value
    return {**options, "model_kwargs": parameters} if parameters else options


def constructor(route: Mapping[str, Any]) -> Callable[..., ChatPortkey]:
    """Return what is called where their tests write ``ChatAnthropic(...)``; what comes back is a plain ChatPortkey.

    Args:
        route: the options that lead through the gateway; a test's own do not change them.
    """

    def construct(**given: Any) -> ChatPortkey:
        options = our_options(given, ChatPortkey.model_fields)
        return ChatPortkey(**{**options, "provider_api_key": PROVIDER_API_KEY, **route})

    return construct
