"""Many prompts: with a limit, with rows that fail, and gone on with where the first run ended.

``python -m examples.batch`` runs on the sandbox, or on the hosted gateway where ``PORTKEY_API_KEY`` is set
(``PORTKEY_MODEL`` names the model).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from examples.places import places
from portkey_gateway.batch import Limits, read_results, run_batch
from portkey_langchain import ChatPortkey
from portkey_langchain.batch import BatchModel

REVIEWS = ["The ferry was late.", "Lovely crew, and the coffee was hot.", "", "We saw a porpoise!"]


def reviews(count: int) -> Iterator[dict[str, Any]]:
    """Rows as a file or a database would give them, one by one."""
    for number in range(count):
        yield {"id": f"review-{number}", "text": REVIEWS[number % len(REVIEWS)]}


def ask(row: Any) -> str:
    """What the model is asked for a row; what this raises is the row's error."""
    if not row["text"]:
        raise ValueError("an empty review")
    return f"Say in one word whether this is praise: {row['text']}"


def main() -> None:
    """Ask for 40 rows, then for 60: the first 40 are there."""
    with places() as found, tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "praise.jsonl"
        model = BatchModel(ChatPortkey(**found.chat, max_tokens=20), ask)
        for count in (40, 60):
            summary = run_batch(model, reviews(count), results, limits=Limits(requests_per_minute=6000))
            print(f"answered {summary.answered}, failed {summary.failed}, there before {summary.skipped}")
        errors = {record["error"]["message"] for record in read_results(results) if "error" in record}
        print(f"errors: {', '.join(errors)}")


if __name__ == "__main__":
    main()
