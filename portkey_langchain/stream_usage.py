"""``stream_usage``: whether a stream tells how many tokens it took, as ``ChatOpenAI`` and ``ChatAnthropic`` ask it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

STREAM_USAGE: Final = "stream_usage"
_OPTIONS: Final = "stream_options"
_INCLUDED: Final = "include_usage"


def take_stream_usage(parameters: dict[str, Any], *said: Any) -> tuple[dict[str, Any], bool]:
    """Return the parameters of a call with what OpenAI calls it, and whether usage is told.

    Args:
        parameters: of the call; ``include_usage`` of its ``stream_options`` counts after what was said for the call
            alone, and before what holds for the model (langchain-openai 1.7.3, ``_should_stream_usage``).
        said: ``stream_usage`` of the call, and that of the model; ``None`` where nothing is said of it.
    """
    options = parameters.get(_OPTIONS)
    options = options if isinstance(options, Mapping) else {}
    of_call, *of_model = said
    wish = next((each for each in (of_call, options.get(_INCLUDED), *of_model) if isinstance(each, bool)), None)
    rest = {name: value for name, value in parameters.items() if name != STREAM_USAGE}
    if wish is None:
        return rest, True
    return {**rest, _OPTIONS: {**options, _INCLUDED: wish}}, wish
