"""The studio's own records: kept datasets and half-filled forms."""

from studio.library.records import Draft, Imported, KeptDataset, Library

__all__ = ["Draft", "Imported", "KeptDataset", "Library"]
