"""The objectives of training, one file each; this folder is their registry."""

from studio.objectives.objective import Encoded, Layout, Metric, Objective, ObjectiveSettings
from studio.registry import discover

OBJECTIVES: dict[str, Objective] = discover("studio.objectives", "OBJECTIVE", Objective)

__all__ = ["OBJECTIVES", "Encoded", "Layout", "Metric", "Objective", "ObjectiveSettings"]
