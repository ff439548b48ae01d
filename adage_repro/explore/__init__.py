"""The explorer: a setting of all parameters as a run, a picture, a command to copy, and a panel of knobs in a notebook."""

from adage_repro.explore.panel import Panel
from adage_repro.explore.presets import Preset, commands, presets
from adage_repro.explore.runs import Seen, simulate

__all__ = ["Panel", "Preset", "Seen", "commands", "presets", "simulate"]
