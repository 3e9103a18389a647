"""The studio's own records: kept datasets and half-filled forms."""

from studio.library.kept import KeptRows
from studio.library.records import Draft, KeptDataset, Library

__all__ = ["Draft", "KeptDataset", "KeptRows", "Library"]
