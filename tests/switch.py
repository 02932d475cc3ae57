"""A dead-man's switch for tests: whatever it is posted keeps it quiet, and is counted."""

from email.message import Message

from almenara.adapters.sinks.http import HOST, Answer, HttpSink


class Switch(HttpSink):
    """The server; its address holds a secret, as real ones do."""

    def usual(self, path: str, headers: Message, body: bytes, *, keep: bool) -> Answer:
        return Answer()

    @property
    def url(self) -> str:
        """Where it is pinged."""
        return f"http://{HOST}:{self.port}/ping/a-secret-of-ours"
