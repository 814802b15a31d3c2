"""Tool calls that an answer was broken off in, or whose arguments were lost: no tool must be run on them.

LangChain has to take them for invalid.
"""

from __future__ import annotations

from typing import Final

from portkey_gateway.conversation.answer import LOST_ARGUMENTS, Answer, Delta, ToolCallDelta

CUT_MARK: Final = '"[}"[} (cut off)'
"""What follows the arguments of a cut call, so that nobody can read them as JSON, however far they got.

LangChain mends what it reads of a stream (``parse_partial_json`` of langchain-core 1.7): it closes open strings, lists
and objects, and gives up only at a bracket that closes what was not open. Here one stands outside of a string in any
case: behind the second quote where the arguments ended inside of no string or behind a backslash, behind the first
otherwise.
"""


def cut_delta(answer: Answer) -> Delta:
    """What a stream adds at its end, so that the sum of its chunks holds no half call; nothing if none was cut."""
    return Delta(
        tool_calls=tuple(
            ToolCallDelta(position, None, None, CUT_MARK if call.is_cut else LOST_ARGUMENTS)
            for position, call in enumerate(answer.tool_calls)
            if call.is_cut or call.arguments == LOST_ARGUMENTS
        )
    )
