"""What depends on the model's generation, read off its name."""

import pytest

from portkey_gateway.sandbox.claude import models


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-2.1", (True, False, True, True, False)),
        ("claude-3-haiku-20240307", (True, False, True, True, False)),
        ("claude-3-7-sonnet-latest", (True, False, True, True, False)),
        ("claude-opus-4-20250514", (True, False, True, True, False)),
        ("claude-sonnet-4-0", (True, False, True, True, False)),
        ("claude-opus-4-1-20250805", (True, True, True, True, False)),
        ("claude-sonnet-4-5", (True, True, True, True, False)),
        ("claude-haiku-4-5-20251001", (True, True, True, True, False)),
        ("claude-sonnet-4-6", (True, True, False, True, True)),
        ("claude-opus-4-6", (True, True, False, True, True)),
        ("claude-opus-4-7", (False, True, False, False, True)),
        ("claude-sonnet-5", (False, True, False, False, True)),
        ("claude-of-nobody", (True, False, True, True, False)),
    ],
)
def test_a_generation_takes_what_it_takes(model: str, expected: tuple[bool, ...]) -> None:
    questions = (
        models.samples_freely,
        models.samples_by_one,
        models.continues_prefill,
        models.thinks_by_budget,
        models.thinks_adaptively,
    )

    assert tuple(question(model) for question in questions) == expected
