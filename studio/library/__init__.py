"""The studio's own records: kept datasets and their versions, half-filled forms, notes on runs."""

from studio.library.notes import Note
from studio.library.records import Draft, Imported, KeptDataset, Library
from studio.library.versions import Version

__all__ = ["Draft", "Imported", "KeptDataset", "Library", "Note", "Version"]
