"""Zircolite: it is in no package registry, so it cannot be installed; zargunlite stands in for its method."""

from typing import Final

WHY_NOT: Final = "Zircolite is in no package registry; zargunlite, below, is its method"
