"""What the leader's policy brings and where it works, measured beside the claims for their report."""

from adage_repro.policy.economy import economists_table, economists_words, planners_optimum
from adage_repro.policy.policy_map import REGIMES, gap_ratio_law, law_lines, policy_map, regime

__all__ = ["REGIMES", "economists_table", "economists_words", "gap_ratio_law", "law_lines", "planners_optimum", "policy_map", "regime"]
