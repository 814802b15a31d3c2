"""Reads the end of what a child process wrote into a log file."""

import os
import re

_TAIL_BYTES = 4096
_ESCAPES_AND_OVERWRITTEN = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[^\n]*\r(?!\n)")


def output_tail(file_descriptor: int) -> str:
    """Return the last lines in a file as plain text, without colours and lines that were drawn over.

    The child writes at the offset that the descriptor shares with it, so the file is read without moving that offset.
    """
    size = os.fstat(file_descriptor).st_size
    text = os.pread(file_descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode("utf-8", errors="replace")
    return _ESCAPES_AND_OVERWRITTEN.sub("", text).strip()
