"""A folder as a registry: each module that defines the folder's one name is a thing, found by listing."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, TypeVar

Thing = TypeVar("Thing")


def discover(package: str, attribute: str, kind: type[Thing]) -> dict[str, Thing]:
    """Every module's `attribute` below `package`, by module name; modules without it are passed over.

    Raises TypeError when an attribute is not of `kind`: a registry holds things of one kind.
    """
    found: dict[str, Thing] = {}
    folder: Any = importlib.import_module(package)
    for entry in pkgutil.iter_modules(folder.__path__):
        thing = getattr(importlib.import_module(f"{package}.{entry.name}"), attribute, None)
        if thing is None:
            continue
        if not isinstance(thing, kind):
            raise TypeError(f"{package}.{entry.name}.{attribute} is not a {kind.__name__}")
        found[entry.name] = thing
    return found
