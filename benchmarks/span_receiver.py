"""An OTLP receiver in a process of its own: ``python -m benchmarks.span_receiver`` prints its endpoint and serves.

To every line on its standard input it answers how many spans came since the last one; it ends when the input does.
"""

from __future__ import annotations

import sys

from portkey_gateway.sandbox import SpanReceiver


def main() -> None:
    """Serve until the standard input ends."""
    with SpanReceiver() as receiver:
        print(receiver.endpoint, flush=True)
        for _ in sys.stdin:
            count = len(receiver.spans)
            receiver.clear()
            print(count, flush=True)


if __name__ == "__main__":
    main()
