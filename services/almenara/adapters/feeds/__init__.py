"""Feeds: parsed in a child process with limits."""

from almenara.adapters.feeds.child import Limits, parse

__all__ = ["Limits", "parse"]
