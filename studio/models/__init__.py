"""Base models: what they are and where they come from (no torch but in `convert`)."""

from studio.models.installed import ModelEntry, known_models

__all__ = ["ModelEntry", "known_models"]
