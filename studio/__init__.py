"""Whetstone, the fine-tuning studio: everything about fine-tuning, in floors that import only downwards."""

__version__ = "0.1.0"
