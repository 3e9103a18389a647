"""Ranks: the processes of one training, how they are started, and how their sums become one."""

from studio.training.ranks.group import ALONE, Ranks, joined, launched

__all__ = ["ALONE", "Ranks", "joined", "launched"]
