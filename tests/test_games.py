"""Each game of `games/` against its known Stackelberg solution."""

import numpy as np
import pytest

from adage_repro import Implicit, LookAhead, Settings, solve
from adage_repro.folders import ROOT
from adage_repro.games.cournot import Cournot
from adage_repro.games.entry_fee import EntryFee
from adage_repro.games.late_subsidy import LateSubsidy
from adage_repro.games.quota import Quota
from adage_repro.games.roads import Roads

EXACT = {"rtol": 0, "atol": 1e-6}
COSTS = {"alike": np.full(3, 1.0), "different": np.array([1.0, 1.3, 0.7]), "one number": 1.0}


@pytest.mark.parametrize("costs", COSTS.values(), ids=COSTS)
@pytest.mark.parametrize("chosen", [LookAhead(100), Implicit()], ids=["LookAhead", "Implicit"])
def test_a_tax_authority_finds_the_tax_that_brings_in_most(chosen, costs):
    game = Cournot(4.0, 0.5, costs)
    settings = Settings(300, 0.3, 0.1, leader_bounds=(0.0, 3.0), leader_gradient=chosen)
    history = solve(game, settings, np.zeros(3), rows=[300])
    assert game.best_tax() == pytest.approx(1.5)
    np.testing.assert_allclose(history.leader_action[0], game.best_tax(), **EXACT)
    np.testing.assert_allclose(history.actions[0], game.quantities(game.best_tax(), 3), **EXACT)
    np.testing.assert_allclose(history.objective[0], 1.5 * 3 * 1.5 / (0.5 * 4), **EXACT)


def test_the_partial_gradient_runs_to_its_bound():
    """It takes what firms sell now for given, so that a higher tax seems to pay as long as they sell anything."""
    history = solve(Cournot(4.0, 0.5, COSTS["alike"]), Settings(300, 0.3, 0.1, leader_bounds=(0.0, 2.5)), np.zeros(3))
    assert history.leader_action[-1] == 2.5 and history.objective[-1] < 0.6 * history.objective.max()


ROADS = Roads(4, np.array([1.0, 1.2, 1.5]), np.array([1.0, 0.6, 0.3]))


@pytest.mark.parametrize("chosen", [LookAhead(60), Implicit()], ids=["LookAhead", "Implicit"])
def test_tolls_are_what_an_agent_costs_the_others(chosen):
    """From tolls of 0, under which more time is lost; the known flows are those of least total time."""
    settings = Settings(400, 0.1, 0.2, leader_start=np.zeros(3), leader_bounds=(-5.0, 5.0), leader_gradient=chosen)
    history = solve(ROADS, settings, np.full((4, 2), 1 / 12))
    flows = np.asarray(ROADS.best_flows())
    sent = np.asarray(history.actions[-1])
    np.testing.assert_allclose([1 - sent.sum(), *sent.sum(0)], flows, **EXACT)
    np.testing.assert_allclose(history.leader_action[-1], ROADS.best_tolls(), **EXACT)
    assert flows.min() > 0 and np.ptp(ROADS.best_tolls()) > 0.05
    marginal = ROADS.free_times + 2 * ROADS.slopes * flows
    np.testing.assert_allclose(marginal, marginal[0], rtol=1e-12)  # what one more traveller costs all is the same on all roads
    untolled = solve(ROADS, Settings(400, 0.1, 0.0, leader_start=np.zeros(3), leader_bounds=(-5.0, 5.0)), np.full((4, 2), 1 / 12))
    assert history.objective[-1] > untolled.objective[-1] + 1e-3


def test_with_many_agents_the_tolls_are_pigou_s():
    game = Roads(1_000_000, ROADS.free_times, ROADS.slopes)
    pigou = game.best_flows() * game.slopes
    np.testing.assert_allclose(game.best_tolls(), pigou - pigou.mean(), **EXACT)


INSTRUMENTS = {  # the game, the leader's start and rate, the attendance m that its optimum brings about where C = 6
    "entry fee": (EntryFee(10, 0.6), 0.0, 0.5, 3.0),
    "quota": (Quota(10, 0.6), 0.5, 0.002, 3.0),
    "late subsidy": (LateSubsidy(10, 0.6), 0.0, 0.5, 5.5),
}


@pytest.mark.parametrize("chosen", [LookAhead(300), Implicit()], ids=["LookAhead", "Implicit"])
@pytest.mark.parametrize("game, leader_start, rate, attendance", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_other_instruments_of_the_market(game, leader_start, rate, attendance, chosen):
    settings = Settings(600, 0.05, rate, leader_start=leader_start, leader_bounds=(0.0, 10.0), leader_gradient=chosen)
    history = solve(game, settings, np.full(10, 0.5), rows=[600])
    np.testing.assert_allclose(history.leader_action[0], game.optimum(), **EXACT)
    assert game.best_attendance() == pytest.approx(attendance)
    scale = history.leader_action[0] if isinstance(game, Quota) else 1.0
    np.testing.assert_allclose(scale * history.actions[0].sum(), attendance, **EXACT)


def test_what_the_partial_gradient_sees_of_each_instrument():
    """A fee is none of its returns, so that it never moves; a quota is, and it finds the best one even from where it does not bind."""
    fee = solve(EntryFee(10, 0.6), Settings(100, 0.05, 0.5, leader_bounds=(0.0, 10.0)), np.zeros(10))
    assert (fee.leader_action == 0).all() and fee.actions[-1].sum() == pytest.approx(60 / 11)
    settings = Settings(1000, 0.05, 0.002, leader_start=1.0, leader_bounds=(0.0, 1.0))
    quota = solve(Quota(10, 0.6), settings, np.full(10, 0.5))
    np.testing.assert_allclose(quota.leader_action[-1], 0.3, **EXACT)


def test_each_game_is_short():
    files = sorted((ROOT / "adage_repro" / "games").glob("*.py"))
    assert len(files) > 6 and max(len(file.read_text(encoding="utf-8").splitlines()) for file in files) < 60
