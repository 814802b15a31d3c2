"""Finds values in a text: numbers, quotes, places, names, dates, topics, and the words that tell what it is about."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w-])")
_NUMBER_WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_QUOTED: Final = re.compile(
    r"\"([^\"]+)\"|“([^”]+)”|\u2018([^\u2019]+)\u2019|「([^」]+)」|`([^`]+)`|(?<!\w)'([^']+)'(?!\w)"
)
_CAPITALISED: Final = r"[A-Z][\w'\u2019.-]*\w|[A-Z](?=\W|$)"
_NAME: Final = re.compile(rf"(?:{_CAPITALISED})(?: (?:{_CAPITALISED}))*")
_PLACE: Final = re.compile(
    rf"\b(?:in|at|for|from|to|of|near)\s+((?:{_CAPITALISED})(?:(?:, | and | or | )(?:{_CAPITALISED}))*)"
)
_TOPIC: Final = re.compile(r"\b(?:about|regarding|concerning|on the subject of)\s+([^.,;:!?\n]+)", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL: Final = re.compile(r"https?://[^\s\"'<>)]+")
_DATE: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_REGION: Final = re.compile(r"[A-Z]{2,3}")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_|-")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\n+")

# Words that say nothing about what a text is about, most of them also found capitalised at the start of a sentence.
STOP_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        a about above after again all also am an and answer any are ask at be been below but by call can could
        define describe did do does done each either every extract find first following for from function
        generate get give given go got had has have hello help here hey hi how i if in input into is it its
        just kindly let like make many may me more most much must my name need no not now of off on once one
        only or our out output over own perform please provide query question reply respond return run same
        say set shall she should show so some such summarise summarize take tell than thank thanks that the
        their them then there these they this those through to today too tool tools under until up use used
        user uses using very want was we were what when where which while who whom why will with without would
        write yes you your
        """,
    )
)


def numbers(text: str) -> list[int | float]:
    """Return the numbers of a text in order; those written as words only if there are no digits."""
    found: list[int | float] = [float(n) if "." in n else int(n) for n in _NUMBER.findall(text)]
    if found:
        return found
    return [_NUMBER_WORDS.index(word) for word in re.findall(r"[a-z]+", text.lower()) if word in _NUMBER_WORDS]


def quotes(text: str) -> list[str]:
    """Return what stands in quotation marks, in order."""
    return ["".join(groups).strip() for groups in _QUOTED.findall(text)]


def places(text: str) -> list[str]:
    """Return the places a text speaks of: `in Paris and Tokyo` is two, `San Francisco, CA` is one."""
    found: list[str] = []
    for group in _PLACE.findall(text):
        for part in re.split(r", | and | or ", group):
            if found and _REGION.fullmatch(part) and f"{found[-1]}, {part}" in group:
                found[-1] = f"{found[-1]}, {part}"
            else:
                found.append(part)
    return [place for place in found if place.lower() not in STOP_WORDS]


def names(text: str) -> list[str]:
    """Return capitalised names; a common word that starts a sentence is none."""
    found = []
    for match in _NAME.findall(text):
        words = match.rstrip(".").split()
        while words and words[0].lower().partition("'")[0] in STOP_WORDS:
            words = words[1:]
        if words:
            found.append(" ".join(words))
    return found


def dates(text: str) -> list[str]:
    """Return dates written as 2026-01-31."""
    return _DATE.findall(text)


def emails(text: str) -> list[str]:
    """Return e-mail addresses."""
    return _EMAIL.findall(text)


def urls(text: str) -> list[str]:
    """Return http addresses."""
    return [url.rstrip(".,;?!") for url in _URL.findall(text)]


def topic(text: str) -> str | None:
    """Return what a text says it is about: `a joke about cats` → `cats`."""
    found = _TOPIC.search(text)
    return found[1].strip() if found else None


def labelled(text: str, key: str) -> str | None:
    """Return the value given for a key: `city: Paris`, `city = Paris`, `the city is Paris`."""
    label = re.escape(key).replace("_", "[ _-]?")
    found = re.search(
        rf"\b{label}[\"']?\s*(?:[:=]|\bis\b)\s*[\"']?([^\"',;?!\n]+?)[\"']?(?:[.,;?!\n]|$)", text, re.IGNORECASE
    )
    return (found[1].strip() or None) if found else None


def words_of(identifier: str) -> list[str]:
    """Split an identifier into words: `get_weather` and `getWeather` → `get`, `weather`."""
    return [word.lower() for word in _CAMEL.split(identifier) if word] or [identifier.lower()]


def telling_words(text: str) -> set[str]:
    """Return the stems of the words that tell what a text is about."""
    split = " ".join(words_of(text))
    return {stem(word) for word in _WORD.findall(split.lower()) if word not in STOP_WORDS}


def stem(word: str) -> str:
    """Cut common endings, so that `adding`, `adder` and `adds` meet in `add`; short words stay whole."""
    for ending in ("ing", "ers", "er", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # noqa: PLR2004  # a stem of three letters
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word  # noqa: PLR2004  # as above


def sentences(text: str) -> list[str]:
    """Split a text into sentences and lines."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def shorten(text: str, length: int = 80) -> str:
    """Return a text on one line, its end cut if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"
