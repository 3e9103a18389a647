"""TrainSpec, TrainOrder and ExportSpec: what is asked for, frozen, checked, JSON both ways, versioned."""

from studio.spec.choices import LoggerChoice, MethodChoice, ObjectiveChoice
from studio.spec.export import ExportSpec
from studio.spec.order import ADAPTER_FILES, Base, Earlier, TrainOrder
from studio.spec.sections import DataChoice, ModelChoice, Training
from studio.spec.train import TrainSpec

__all__ = [
    "ADAPTER_FILES",
    "Base",
    "DataChoice",
    "Earlier",
    "ExportSpec",
    "LoggerChoice",
    "MethodChoice",
    "ModelChoice",
    "ObjectiveChoice",
    "TrainOrder",
    "TrainSpec",
    "Training",
]
