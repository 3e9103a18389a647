"""Detectors of personal data and secrets, one file a kind: where in a text something of the kind stands."""

from __future__ import annotations

from studio.checks.detectors.detector import Detector
from studio.registry import discover

DETECTORS: dict[str, Detector] = discover(__name__, "DETECTOR", Detector)
