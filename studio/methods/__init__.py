"""The methods of fine-tuning, one file each; this folder is their registry."""

from studio.methods.method import LinearModule, Method, MethodSettings
from studio.registry import discover

METHODS: dict[str, Method] = discover("studio.methods", "METHOD", Method)

__all__ = ["METHODS", "LinearModule", "Method", "MethodSettings"]
