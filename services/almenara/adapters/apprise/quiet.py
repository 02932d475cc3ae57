"""What keeps addresses and tokens out of our logs: the loggers of the libraries underneath are cut off.

Apprise logs whole webhook URLs at DEBUG and bad tokens at WARNING; urllib3 logs request paths.
"""

import logging
from typing import Final

from apprise import AppriseAsset

_LEAKY: Final = ("apprise", "urllib3.connectionpool", "urllib3.util.retry")


def hush() -> None:
    """Cuts the leaky loggers off from every handler. Idempotent."""
    for name in _LEAKY:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 10)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def asset() -> AppriseAsset:
    """What every plugin is made with: no redirects, nothing on disk, no retry of its own, no plugins from files."""
    made = AppriseAsset(
        app_id="Almenara", app_desc="Almenara", app_url="", storage_mode="memory", plugin_paths=[], secure_logging=True
    )
    made.http_redirects = False
    made.default_service_retry = 0
    return made
