"""Route: who is told of a change of an alert, and who is not and why. A fold over `alerts`."""

from almenara.notifier.route.processor import RouteFold, RouteProcessor, silence_of
from almenara.notifier.route.state import RouteState

__all__ = ["RouteFold", "RouteProcessor", "RouteState", "silence_of"]
