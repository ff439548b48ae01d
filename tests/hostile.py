"""Input that must be refused, made from the table of parameters: as it is typed in SET, and as Python values."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import jax
import numpy as np

from adage_repro.parameters import LONGEST_LIST, PARAMETERS

RAN = "ran-by-a-shell"  # the file that each of the commands below would leave
TEXTS = [
    *("'", '"', "'''", '"0.5', "`touch ran-by-a-shell`", "$(touch ran-by-a-shell)", "$(shell touch ran-by-a-shell)", "${HOME}", "$$"),
    *(";touch ran-by-a-shell", "|touch ran-by-a-shell", "&&touch ran-by-a-shell", ">ran-by-a-shell", "<(touch ran-by-a-shell)", "!!"),
    *("__import__('os').system('touch\\x20ran-by-a-shell')", "open('ran-by-a-shell','w')", "lambda:0", "{{x}}", "%s%n", "np.inf", "None"),
    *("../../etc/passwd", "/etc/passwd", "~root", "~", "C:\\x", "\\", "*", "?", "#", "=", "==1", "--help", "-", "[", "]", "[[1]]", "1]"),
    *("１０", "١٠", "²", "Ⅷ", "½", "1_0", "0x10", "0b1", "007", "1e", "1e5e", ".", "1,5", "+", "--1", "5%", "1/2", "True", "null"),
    *(
        "a\nb",
        "a\r\nb",
        "a\tb",
        "a\vb",
        "a\x1cb",
        "a\x85b",
        "a\u2028b",
        "\x1b[31m",
        "\x07",
        "\u202e1",
        "\u200b1",
        "\ufeff1",
        "é",
        "🦊",
        "\udcff",
    ),
    *("x" * 50_000, "9" * 50_000, "-" * 50_000, "[" * 50_000, "\U0001f98a" * 9_000),
]
NAN, INFINITE = ["nan", "NaN", "-nan", "'nan'"], ["inf", "-inf", "Infinity", "1e999", "-1e999"]
NO_NUMBER = ["much", "1e3x", "[0.1]", "[]", "{}", "(1)", "1j"]
NO_WORD = ["1", "0.5", "-1", "[1]", "[]", "{}"]


def bounds(name, n_agents):
    """The ends of a parameter's range, and whether each belongs to it."""
    allowed = PARAMETERS[name].allowed
    low, high = (1 / n_agents if text == "1/n_agents" else float(text) for text in allowed[1:-1].split(", "))
    return low, high, allowed[0] == "[", allowed[-1] == "]"


def outside(name, n_agents):
    """Numbers just below a parameter's range and far below it, and above it likewise."""
    low, high, low_in, high_in = bounds(name, n_agents)
    if PARAMETERS[name].item == "int":
        return [int(low) - 1, -(10**6), -(10**30)], [int(high) + 1, 10**12, 10**30]
    below = [np.nextafter(low, -np.inf), low - 1, -1e6, -1e308] + [low] * (not low_in)
    above = [np.nextafter(high, np.inf), high + 1, 1e12, 1e308] + [high] * (not high_in)
    return [float(value) for value in below], [float(value) for value in above]


def typed(name, n_agents):
    """(what is wrong, value as typed) of everything that the parameter must refuse."""
    own = PARAMETERS[name]
    given = [("hostile text", text) for text in TEXTS]
    if own.item == "str":
        words = [own.words[0].upper(), own.words[0] + "x", own.words[0][:-1], own.words[0] + "|" + own.words[1], ",".join(own.words)]
        given += [("wrong type", text) for text in NO_WORD] + [("wrong word", text) for text in words]
        return given + [("not finite", text) for text in NAN + INFINITE]
    below, above = outside(name, n_agents)
    given += [("wrong type", text) for text in NO_NUMBER] + [("not finite", text) for text in NAN + INFINITE]
    given += [("wrong type", "2.5"), ("wrong type", "1e1")] if own.item == "int" else []
    given += [("below", repr(value)) for value in below] + [("above", repr(value)) for value in above]
    if own.kind == own.item:
        return given
    whole = [("wrong type", text) for text in ("2", "2.5", "[]", "[,]", "[[2]]")]
    many = ",".join(str(own.default[0]) for _ in range(LONGEST_LIST + 1))
    return (
        whole
        + [("too many", f"[{many}]"), ("twice", f"[{own.default[0]},{own.default[0]}]")]
        + [(wrong, f"[{text}]") for wrong, text in given if text != "1,5"]
    )


def misspelt(name, taken):
    """Names that are nearly the parameter's, and none of those taken."""
    near = [name + "x", name[:-1], name.upper(), "_" + name, name + "_", name.replace("a", "а").replace("e", "е"), name * 50]
    return [other for other in near if other not in taken]


def settings(standard) -> Iterator[tuple[str, str]]:
    """(what is wrong, SET) of everything that a notebook with these defaults must refuse, for every parameter it has or has not."""
    n_agents = min(standard.get("agent_counts", [standard.get("n_agents", 2)]))
    for name in standard:
        yield from ((wrong, f"{name}={text}") for wrong, text in typed(name, n_agents))
        yield from (("wrong name", f"{other}=1") for other in misspelt(name, standard))
        yield "given twice", f"{name}=1 {name}=1"
    yield from (("wrong name", f"{other}=1") for other in PARAMETERS if other not in standard)
    yield from (("hostile text", f"{text}=1") for text in TEXTS)
    yield from (("hostile text", text) for text in TEXTS)


OBJECTS = [  # of no type that a parameter has
    *(None, True, False, np.bool_(True), "text", "", "0.5", b"1", 1j, {}, {"a": 1}, set(), object(), print, int, Ellipsis, Decimal("0.5")),
    *(
        date(2024, 1, 1),
        range(3),
        iter([1]),
        [[1], [1, 2]],
        [None],
        ["x"],
        np.array(["x"]),
        np.array([[1], None], object),
        np.zeros((2, 2)),
    ),
    *(np.array("x"), np.array(None), np.datetime64("2024"), np.zeros(0), np.full(3, np.nan), np.array([True]), np.array([1j])),
    *(
        memoryview(b"1"),
        "\n",
        "x" * 50_000,
        "９",
        [0.1] * 50_000,
        10**50_000,
        -(10**50_000),
        slice(1),
        Exception("a\nb"),
        jax.random.key(0),
    ),
]
NOT_FINITE = [np.nan, -np.nan, np.inf, -np.inf, np.float32("nan"), np.float64("inf"), np.array(np.nan), jax.numpy.asarray(np.inf), 1e301]


def wrong_values(standard) -> Iterator[tuple[str, object]]:
    """(parameter, Python value that it must refuse) for every parameter of a notebook with these defaults."""
    n_agents = min(standard.get("agent_counts", [standard.get("n_agents", 2)]))
    return ((name, value) for name in standard for value in values(name, n_agents))


def values(name, n_agents):
    """Python values that a parameter must refuse."""
    own = PARAMETERS[name]
    if own.item == "str":
        return [*OBJECTS, *NOT_FINITE, 0, 1, 0.5]
    below, above = outside(name, n_agents)
    numbers = [*below, *above, *NOT_FINITE, *(np.float64(value) for value in (below[0], above[0])), *([2.5] if own.item == "int" else [])]
    if own.kind == own.item:
        return [*OBJECTS, *numbers]
    lists = [[own.default[0]] * 2, [own.default[0]] * (LONGEST_LIST + 1), (), own.default[0], np.array(own.default)]
    return [*OBJECTS, *lists, *([value] for value in [*OBJECTS, *numbers])]
