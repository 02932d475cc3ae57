"""The dead-man's switch outside: it hears of each beacon that went the whole way, and alarms when it hears nothing.

The address is a secret of the operator's and stands nowhere else; nothing of it gets into what is recorded.
"""

from almenara.adapters.http.signatures import Revealable
from almenara.domain.message import Message
from almenara.ports.channel import Outcome, OutcomeKind
from almenara.ports.post import Post


class PingChannel:
    """Posts the headline of a beacon to one address."""

    def __init__(self, url: Revealable, post: Post) -> None:
        self._url = url
        self._post = post

    def __repr__(self) -> str:
        return "PingChannel()"

    def send(self, message: Message, address: str) -> Outcome:
        """Tries once. Whatever is no 2xx is tried again: a switch that is deaf alarms by itself, and rightly."""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        answer = self._post.post(self._url.reveal(), message.headline.encode(), headers)
        if 200 <= answer.status < 300:
            return Outcome(OutcomeKind.DELIVERED, f"ping {answer.status}")
        return Outcome(OutcomeKind.RETRY_AFTER, f"ping {answer.broken or answer.status}", down=True)
