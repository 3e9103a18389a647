"""The studio's own records: kept datasets, half-filled forms, notes on runs."""

from studio.library.notes import Note
from studio.library.records import Draft, Imported, KeptDataset, Library

__all__ = ["Draft", "Imported", "KeptDataset", "Library", "Note"]
