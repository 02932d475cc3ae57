"""HTTP in: the signed webhook."""

from almenara.adapters.http.webhook import webhook_app

__all__ = ["webhook_app"]
