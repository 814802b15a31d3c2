"""Plain words: what to say when no tool, image or JSON is asked for."""

import re
from collections.abc import Iterator
from typing import Final

from portkey_gateway.sandbox.claude.brain import mining, sight
from portkey_gateway.sandbox.claude.brain.conversation import Conversation

_REPEAT: Final = re.compile(
    r"(?:^|[.!?:]\s+|\bplease\s+|\balways\s+|\bonly\s+)"
    r"(?:(?:repeat|echo|say|print)\b(?:\s+(?:back|exactly|only|just|verbatim|after me|this|the following"
    r"|(?:the|this|these) (?:words?|text|phrase|sentence)))*"
    r"|(?:reply|respond|answer|output)(?:\s+to this)?\s+(?:with\s+)?"
    r"(?:(?:exactly|only|just|the following|(?:the|this) (?:single )?(?:words?|text|phrase|sentence))\s*)+"
    r"|(?:reply|respond|answer)\s+with(?=\s*[:\"'“\u2018]))"
    r"\s*:?\s*(?P<words>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_NOTHING_ELSE: Final = re.compile(r"[,.]?\s*(?:and )?nothing (?:else|more)\.?\s*$", re.IGNORECASE)
_WRAPPED: Final = re.compile(r"[\"“'\u2018`](.+?)[\"”'\u2019`]\.?", re.DOTALL)

_TOLD: Final = re.compile(r"\b(?:my|the|our) ([a-z][a-z -]{1,40}?) (is|are|was|were) ([^.,;!?\n]+)", re.IGNORECASE)
_CALLED: Final = re.compile(r"\b(?:call me|I am called|I'm called|I am|I'm) ([A-Z]\w+)")
_ASKED: Final = re.compile(
    r"\b(?:what|who|which|where|when)(?:'s| is| are| was| were)? (my|the|our) ([^?.!\n]+)", re.IGNORECASE
)
_DO_YOU_KNOW: Final = re.compile(r"\b(?:know|remember|recall) (my|the|our) ([^?.!\n]+)", re.IGNORECASE)

_OPERATORS: Final = {
    "+": "+",
    "plus": "+",
    "-": "-",
    "minus": "-",
    "*": "*",
    "x": "*",
    "times": "*",
    "/": "/",
    "divided by": "/",
}
_SUM: Final = re.compile(
    r"(-?\d+(?:\.\d+)?)\s*(\+|-|\*|/|x|plus|minus|times|divided by)\s*(-?\d+(?:\.\d+)?)", re.IGNORECASE
)
_COUNT: Final = re.compile(r"\bcount(?:ing)? (?:from (\d+) )?(?:up )?to (\d+)", re.IGNORECASE)
_GREETING: Final = re.compile(
    r"\s*(?:hello|hi|hey|good (?:morning|evening|afternoon))\b[\s\w]{0,12}[!.,]*\s*", re.IGNORECASE
)
_LONG: Final = re.compile(r"\b(story|tale|poem|essay|haiku|paragraph)s?\b", re.IGNORECASE)
_LIST: Final = re.compile(
    r"\b(?:list|name|give me|write|tell me)\b[^.?!]*?\b(\d+|two|three|four|five|six|seven|eight|nine|ten) (\w[\w ]*)",
    re.IGNORECASE,
)
_MOST_ITEMS: Final = 200
_SHARED_WORDS: Final = 2


def say(conversation: Conversation) -> str:
    """Return the answer to the question in words, never empty."""
    asked = conversation.asked
    for answer in _answers(conversation):
        if answer:
            return answer
    system = (
        f" I follow the system message: “{mining.shorten(conversation.system)}”." if conversation.system.strip() else ""
    )
    return f"You said: “{mining.shorten(asked)}”.{system}" if asked else f"I am here.{system}"


def quote_results(conversation: Conversation) -> list[str]:
    """Return one sentence for each tool result that has words."""
    return [
        f"The tool {result.name} {'failed' if result.is_error else 'returned'}: {mining.shorten(result.text, 2000)}"
        for result in conversation.results
        if result.text.strip()
    ]


def _answers(conversation: Conversation) -> Iterator[str | None]:
    asked = conversation.asked
    yield _repeat(asked) or _repeat(conversation.system)
    yield _recall(conversation)
    yield _read(conversation)
    yield _calculate(asked)
    yield _count(asked)
    yield _greet(conversation)
    yield _list(asked)
    yield _tell(asked)


def _repeat(text: str) -> str | None:
    found = _REPEAT.search(text)
    if not found:
        return None
    words = _NOTHING_ELSE.sub("", found["words"].strip())
    wrapped = _WRAPPED.fullmatch(words) or _WRAPPED.match(words)
    return wrapped[1] if wrapped else words


def _recall(conversation: Conversation) -> str | None:
    """Answer what was told before: `my name is …`, `the secret word is …`."""
    found = _ASKED.search(conversation.asked) or _DO_YOU_KNOW.search(conversation.asked)
    if not found:
        return None
    whose, key = found[1].lower(), found[2].strip().lower()
    for text in reversed(conversation.earlier):
        for told, verb, value in reversed(_TOLD.findall(text)):
            if told.lower() == key:
                return f"{'The' if whose == 'the' else 'Your'} {key} {verb.lower()} {value.strip()}."
        if whose == "my" and key == "name" and (called := _CALLED.search(text)):
            return f"Your name is {called[1]}."
    return f"You have not told me your {key}." if whose == "my" else None


def _read(conversation: Conversation) -> str | None:
    """Quote the sentence of the given context, documents or system prompt that fits the question best."""
    wanted = mining.telling_words(conversation.asked)
    around = (
        conversation.question.replace(conversation.asked, " ") if conversation.asked != conversation.question else ""
    )
    documents = [sight.read_document(block) for block in conversation.shown if block["type"] == "document"]
    material = mining.sentences("\n".join([around, *documents, conversation.system]))
    scored = [(len(wanted & mining.telling_words(sentence)), sentence) for sentence in material]
    best, sentence = max(scored, key=lambda each: each[0], default=(0, ""))
    return sentence if best >= (1 if around else _SHARED_WORDS) else None


def _calculate(text: str) -> str | None:
    found = _SUM.search(text)
    if not found:
        return None
    left, operator, right = float(found[1]), _OPERATORS[found[2].lower()], float(found[3])
    if operator == "/" and right == 0:
        return "Nothing can be divided by zero."
    results = {"+": left + right, "-": left - right, "*": left * right, "/": left / (right or 1.0)}
    return f"{left:g} {operator} {right:g} = {results[operator]:g}."


def _count(text: str) -> str | None:
    found = _COUNT.search(text)
    if not found:
        return None
    first = int(found[1] or 1)
    last = min(int(found[2]), first + _MOST_ITEMS - 1)
    return ", ".join(map(str, range(first, last + 1)))


def _greet(conversation: Conversation) -> str | None:
    if conversation.system.strip() or not _GREETING.fullmatch(conversation.asked):
        return None
    return "Hello! How can I help you today?"


def _list(text: str) -> str | None:
    found = _LIST.search(text)
    if not found or _LONG.search(text):
        return None
    count = min(int((mining.numbers(found[1]) or [1])[0]), _MOST_ITEMS)
    return "\n".join(f"{number}. The {_ordinal(number)} of the {found[2].strip()}" for number in range(1, count + 1))


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in {11, 12, 13} else 0, "th")
    return f"{number}{ending}"


def _tell(text: str) -> str | None:
    found = _LONG.search(text)
    if not found:
        return None
    about = mining.topic(text) or "a gateway"
    return (
        f"Here is a {found[1].lower()} about {about}. One morning {about} set out to see the world. "
        "The road was long, and the rain was soft and cold. A stranger shared a lantern and a song. "
        f"By evening the stars were out, and {about} knew the way. That is how it ended, and everyone slept well."
    )
