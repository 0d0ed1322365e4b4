"""What plants a bug in the daemon of its own process."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

Plant = Callable[[], None]
BUGS: dict[str, Plant] = {}


def bug(plant: Plant) -> Plant:
    BUGS[plant.__name__.replace("_", "-")] = plant
    return plant


def room(name: str) -> Any:
    return importlib.import_module(f"mooring.{name}")


def substitute(where: Any, name: str, make: Callable[[Any], Any]) -> None:
    """``make`` gets what stands there, and returns the bug. Raises AttributeError: nothing stands there."""
    setattr(where, name, make(getattr(where, name)))
