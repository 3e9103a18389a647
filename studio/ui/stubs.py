"""Stubs: Gradio is imported without writing its components' stub files anew.

It looks at all of them at every import (6.31), for editors of code: every process would wait for that, and the
folder may be read-only, or written by two of them at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE, _WRITES = "gradio.component_meta", "create_or_modify_pyi"


def leave_out() -> None:
    """To be called before Gradio is imported; later it changes nothing."""
    if _MODULE not in sys.modules:
        sys.meta_path.insert(0, _Finder())


def _nothing(*_: Any, **__: Any) -> None:
    """What takes the place of writing."""


class _Finder(MetaPathFinder):
    """Finds the one module as Python does, to be changed once it has been read."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Changed(spec.loader)
        return spec


class _Changed(Loader):
    """Another loader's module, without the function that writes. A Gradio that has none is left as it is."""

    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        if hasattr(module, _WRITES):
            setattr(module, _WRITES, _nothing)
