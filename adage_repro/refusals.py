"""How bad input is refused: in one line that names the parameter, what is allowed, and the value given."""

from collections.abc import Iterable

LONGEST_SHOWN = 80  # characters of a value in a message


class Refused(ValueError):
    """A value that is not accepted; a notebook shows this one line and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"Refused: {self}"]


def not_one_of(name: str, words: Iterable[str], value: object) -> Refused:
    """The refusal of a value that is none of the words."""
    return Refused(f"{name} must be one of {', '.join(words)}, got {shown(value)}")


def shown(value: object) -> str:
    """The value as Python writes it, on one line, for a message or a table; a long one is cut."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of more digits than Python writes
        return "a number with very many digits"
    return cut(text)


def cut(text: str) -> str:
    """The text, or its beginning if it is long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
