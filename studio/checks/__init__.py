"""Checks of training data, one file each: what was found, in which rows, why it matters, what mends it."""

from __future__ import annotations

from studio.checks.check import Check
from studio.registry import discover

CHECKS: dict[str, Check] = discover(__name__, "CHECK", Check)
