"""The usual layouts of training data, one file each; the surest one that fits is taken."""

from studio.data.shapes.shape import ColumnMapping, Sample, Shape
from studio.registry import discover

SHAPES: dict[str, Shape] = discover("studio.data.shapes", "SHAPE", Shape)

__all__ = ["SHAPES", "ColumnMapping", "Sample", "Shape"]
