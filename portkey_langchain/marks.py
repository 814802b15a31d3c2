"""What the metadata of a model's run tells of ours, beside what LangChain puts there."""

from __future__ import annotations

from typing import Final

GATEWAY_MARK: Final = "ls_gateway"
"""Names the gateway that the call goes through, and so tells that the run is ours."""
PROMPT_MARK: Final = "ls_prompt_name"
"""The prompt of the library that is asked in the place of a model."""
