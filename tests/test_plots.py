"""Panels at the edges of what is allowed: lists wrap, nothing looks empty, no text is cut or covered."""

import numpy as np
import pandas as pd
import pytest

from adage_repro import contact_sheet, notebooks, plots, style
from adage_repro.parameters import LONGEST_LIST, check_all

NAMES = notebooks.figure_names()


@pytest.mark.parametrize("name", NAMES)
def test_edges_are_allowed_and_at_least_twelve(name):
    standard = notebooks.defaults(notebooks.notebook_of(name))
    first, *edges = contact_sheet.settings(name)
    assert first == {} and len(edges) >= 12
    for edge in edges:
        check_all(standard | edge, names=standard)


@pytest.mark.parametrize("count", range(1, LONGEST_LIST + 1))
def test_lists_wrap(count):
    for names in ([f"$c$ = {place}" for place in range(count)], [rf"$\alpha$ = 1.2345{place:02d}e-05" for place in range(count)]):
        layout = style.rows(names, 6)
        assert [name for row in layout for name in row if name != "."] == names
        assert len({len(row) for row in layout}) == 1 and len(layout[0]) <= 6
        pairs = style.rows(names, 6, below="!")
        assert pairs[::2] == layout and pairs[1::2] == [[name if name == "." else name + "!" for name in row] for row in layout]
    assert len(style.rows(["x" * 200], 6)) == 1


def test_covered_sees_what_is_cut_or_overprinted():
    figure, axes = style.figure([["a", "b"]])
    axes["a"].set_title("short")
    figure.draw_without_rendering()
    assert contact_sheet.covered(figure) == []
    axes["b"].set_title("long " * 30)
    figure.draw_without_rendering()
    assert any("long" in text for text in contact_sheet.covered(figure))
    axes["b"].set_title("")
    axes["a"].set_xticks([0.5, 0.51], ["one label", "the next"])
    figure.draw_without_rendering()
    assert contact_sheet.covered(figure) == ["one label / the next"]


@pytest.mark.parametrize(
    "name, edge, words",
    [
        ("fig04", {"tax_max": 0, "runs": 2}, {r"$\tau$ stays at 0", "no tax is paid"}),
        ("fig05", {"late_entry_share": 0.99, "runs": 2, "beside_payoffs": [0]}, {"one row\nis left", " $G_1$ alone"}),
        ("fig06", {"tax_units": "literal"}, {"0 throughout"}),
        ("fig12", {"leader_lrs": [0, 0.04], "beside_lr": 0.01}, {r"$\tau$ stays at 0"}),
    ],
)
def test_a_panel_without_anything_to_show_says_so(name, edge, words, monkeypatch):
    figures = []
    monkeypatch.setattr(contact_sheet, "covered", lambda figure: figures.append(figure) or [])
    contact_sheet.draw(name, edge)
    assert {text.get_text() for ax in figures[0].axes for text in ax.texts} == words


def test_coinciding_groups_are_both_seen():
    _, axes = style.figure([["a"]])
    table = pd.DataFrame({"iteration": [0, 1] * 2, "group": ["G1"] * 2 + ["G2"] * 2, "agent": 0, "attendance": [0.2, 0.4] * 2})
    plots.group_series(axes["a"], table, "attendance")
    below, above = axes["a"].lines
    assert below.get_linewidth() > 1.5 * above.get_linewidth()
    assert style.WIDTHS["with"] > 1.5 * style.WIDTHS["without"] and style.WIDTHS["rest point"] > 1.5 * style.WIDTHS["p*"]


@pytest.mark.parametrize("low, high", [(0.999999, 0.9999999), (1e-9, 3e-9), (-1e7, 1e7), (0, 0.1), (-12, 3)])
def test_ticks_hold_their_whole_number(low, high):
    figure, axes = style.figure([["a"]])
    ax = axes["a"]
    ax.plot([0, 1], [low, high])
    plots.label(ax, "iteration", "fairness")
    figure.draw_without_rendering()
    ticks = [tick for tick in ax.yaxis.get_major_ticks() if tick.label1.get_text()]
    shown = [float(tick.label1.get_text().replace("\N{MINUS SIGN}", "-")) for tick in ticks]
    np.testing.assert_allclose(shown, [tick.get_loc() for tick in ticks], rtol=1e-9, atol=1e-15)
    assert ax.yaxis.get_offset_text().get_text() == "" and len(set(shown)) == len(shown) > 2
