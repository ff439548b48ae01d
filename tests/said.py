"""Reads sentences about a run back and holds them against its numbers, by rules written without the library's own."""

import re

import numpy as np
import pytest

N = r"(-?[\d.]+(?:e[+-]\d+)?)"
COURSE = r"((?:stays|rises|moves) .*?)"
PLACE = r"((?:swinging between two states, )?(?:at|near|up to) .*?)"
APART = r"(the (?:groups|gap) .*?)"
AFTER = r"after (\d+) iterations?"
SWINGING = r"( \([^()]*swinging[^()]*\))?"


def same(text, value, digits=3):
    """The number in the text is the value to three digits, and no -0."""
    assert not re.match(r"-0(\.0*)?$", text), text
    assert float(text) == pytest.approx(value, rel=0.6 * 10.0 ** (1 - digits), abs=1.1e-9), (text, value)


def two_cycle(series, scale=1.0):
    a, b, c, d = ([None] * 4 + list(series))[-4:]
    if a is None:
        return False
    least = max(0.005 * scale, 0.5 * max(abs(b - a), abs(c - b), abs(d - c)))
    return min(b - a, b - c, d - c) >= least or min(a - b, c - b, c - d) >= least


def any_two_cycle(agents):
    return any(two_cycle(column) for column in np.transpose(agents))


def ending(text, series, scale=1.0):
    last, before = series[-1], series[-2] if len(series) > 1 else series[-1]
    if found := re.fullmatch(f"swinging between {N} and {N}", text):
        assert two_cycle(series, scale)
        same(found[1], min(last, before)), same(found[2], max(last, before))
        return
    found = re.fullmatch(f"at {N}(?:, (up|down) from {N} one iteration earlier)?", text)
    assert found and not two_cycle(series, scale), text
    same(found[1], last)
    assert (abs(last - before) >= 0.005 * scale) == (found[3] is not None), (text, series[-2:])
    if found[3]:
        assert (found[2] == "up") == (last > before)
        same(found[3], before)


def course(text, series):
    series = list(series)
    drop = max(max(series[: i + 1]) - value for i, value in enumerate(series))
    climb = max(value - min(series[: i + 1]) for i, value in enumerate(series))
    if found := re.fullmatch(f"stays at {N}", text):
        assert drop < 0.005 and climb < 0.005
        same(found[1], series[-1])
    elif found := re.fullmatch(f"rises from {N} to {N}", text):
        assert drop < 0.005 <= climb, (text, drop, climb)
        same(found[1], series[0]), same(found[2], series[-1])
    else:
        found = re.fullmatch(f"moves between {N} and {N} and ends (.*)", text)
        assert drop >= 0.005, text
        same(found[1], min(series)), same(found[2], max(series))
        ending(found[3], series)


def place(text, agents, **points):
    """`p` and `rest` are the points, in the order in which the text names them."""
    turning = any_two_cycle(agents)
    assert text.startswith("swinging between two states, ") == turning, text
    last = np.asarray(agents)[[-2, -1] if turning else [-1]]
    said = text.removeprefix("swinging between two states, ").split(" and ")
    for part, (name, point) in zip(said, points.items(), strict=True):
        far = max(abs(last.max() - point), abs(last.min() - point))
        named = {"p": rf"p\* = {N}", "rest": f"the rest point {N}"}[name]
        if far <= 0.001:
            same(re.fullmatch(f"at {named}", part)[1], point)
        elif far <= 0.02:
            where, away = re.fullmatch(rf"near {named} \(at most {N} away\)", part).groups()
            same(where, point), same(away, far)
        else:
            away, where = re.fullmatch(f"up to {N} away from {named}", part).groups()
            same(where, point), same(away, far)


def apart(text, gaps):
    gaps = np.asarray(gaps)
    if found := re.fullmatch("the gap between the groups ends (.*)", text):
        assert two_cycle(gaps)
        return ending(found[1], gaps)
    assert not two_cycle(gaps)
    if text == "the groups never separate":
        assert np.all(np.abs(gaps) <= 0.001)
    elif found := re.fullmatch(f"the groups meet and end {N} apart", text):
        assert max(abs(gaps[-1]), abs(gaps[-2])) <= 0.001 < np.abs(gaps).max()
        same(found[1], abs(gaps[-1]))
    else:
        found = re.fullmatch(f"the groups do not meet, and G1 ends {N} (above|below) G2", text)
        assert max(abs(gaps[-1]), abs(gaps[-2])) > 0.001, text
        same(found[1], abs(gaps[-1]))
        assert (found[2] == "above") == (gaps[-1] > 0)


def swinging(text, attendance):
    """`attendance` (runs, rows, N)."""
    count = sum(any_two_cycle(one) for one in attendance)
    who = "agents" if len(attendance) == 1 else f"{count} of {len(attendance)} runs"
    assert (text or "") == (f" ({who} swinging between two states at the end)" if count else "")


def spread(text, values):
    if np.ptp(values) < 0.005:
        return same(re.fullmatch(f"all at {N}", text)[1], np.mean(values))
    found = re.fullmatch(f"between {N} and {N}", text)
    same(found[1], min(values)), same(found[2], max(values))


def side(text, values):
    """Of the interval of the mean over runs, by 1.96 standard errors."""
    half = 1.96 * np.sqrt(((values - values.mean()) ** 2).sum() / (len(values) - 1) / len(values))
    low, high = values.mean() - half, values.mean() + half
    assert text == ("above 0" if low >= 1e-9 else "below 0" if high <= -1e-9 else "including 0")


def felt(history):
    return np.asarray(history.actions) * np.asarray(history.present)


def gaps(attendance):
    """(…, rows, N) -> (…, rows)."""
    half = attendance.shape[-1] // 2
    return attendance[..., :half].mean(-1) - attendance[..., half:].mean(-1)


def tax_sentences(rate_text, tax_text, rates, tax, bound):
    above = [row for row, rate in enumerate(rates) if rate >= 1e-9]
    if rate_text == "the tax rate is 0 throughout":
        assert not any(rates)
    elif rate_text == "the tax rate stays below 1e-09 throughout":
        assert any(rates) and not above
    else:
        found = re.fullmatch(
            rf"the tax rate first exceeds 0 {AFTER}, is {N} at most \((its bound|below its bound {N})\) and ends (.*)", rate_text
        )
        assert int(found[1]) == above[0]
        same(found[2], max(rates))
        assert (found[3] == "its bound") == (max(rates) == bound)
        ending(found[5], rates, max(rates))
    first, second = tax["G1"].sum(), tax["G2"].sum()
    if first + second < 1e-9:
        assert tax_text == "no tax is ever paid"
        return
    who = rf"(only G. pays|G. pays all but {N}% of the tax|G1 pays {N}% and G2 pays {N}% of the tax)"
    found = re.fullmatch(rf"{who}; the tax paid by all agents peaks {AFTER} at {N} and ends (.*)", tax_text)
    more = "G1" if first > second else "G2"
    share = 100 * min(first, second) / (first + second)
    if share <= 1e-7:
        assert found[1] == f"only {more} pays"
    elif found[2]:
        assert found[1].startswith(f"{more} pays all but ") and 100 - share >= 99.95
        same(found[2], share)
    else:
        same(found[3], 100 * first / (first + second)), same(found[4], 100 * second / (first + second))
    both = tax["G1"] + tax["G2"]
    assert both[int(found[5])] == pytest.approx(max(both))
    same(found[6], max(both))
    ending(found[7], both, max(both))
