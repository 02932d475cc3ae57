"""Feeds: fetched over HTTP with a guard on addresses, parsed in a child process with limits."""

from almenara.adapters.feeds.child import Limits, parse
from almenara.adapters.feeds.fetch import Fetcher

__all__ = ["Fetcher", "Limits", "parse"]
