# ruff: noqa: F401 (what is imported here is for others)
"""What the paper claims: each claim with its measurement, its verdict, and the conditions and readings under which it holds."""

from adage_repro.claims import deviations, end_state, followers, game, gradients, late_entry, leader_rates, policy, uniform_starts, updates
from adage_repro.claims.claim import CLAIMS, Case, Claim, Search, claim, measure_all
from adage_repro.claims.crossing import all_cells, carried, cross, hinges, share_explained, untaxed
from adage_repro.claims.numbers import Measured, Number
from adage_repro.claims.setup import CHOICES, READINGS, Setup
from adage_repro.claims.verdicts import COLUMNS, judge, sweep, verdicts

for _id in sorted(CLAIMS, key=lambda id: ("MBPA".index(id[0]), int(id[1:]))):  # the list's order, whatever the rooms'
    CLAIMS[_id] = CLAIMS.pop(_id)
