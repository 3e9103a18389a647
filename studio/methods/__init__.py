"""The methods of fine-tuning, one file each; this folder is their registry."""

from studio.methods.base import Base, Module
from studio.methods.method import Method, MethodSettings
from studio.registry import discover

METHODS: dict[str, Method] = discover("studio.methods", "METHOD", Method)

__all__ = ["METHODS", "Base", "Method", "MethodSettings", "Module"]
