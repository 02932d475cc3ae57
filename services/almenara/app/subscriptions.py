"""What a subscriber may say about being told, as commands of the record; and who is part of the active audience."""

from datetime import datetime

from almenara.app.active import Active
from almenara.app.commands import append_everywhere
from almenara.domain.audience import Subscriber
from almenara.domain.errors import Missing
from almenara.domain.event import RESUBSCRIBE, UNSUBSCRIBE
from almenara.ports.store import Store
from almenara.ports.wire import decode_audience


def require_subscriber(store: Store, name: str) -> Subscriber:
    """The subscriber of the active audience. Raises Missing."""
    digest = Active(store).refresh().audience
    found = decode_audience(store.get(digest)).subscribers if digest else ()
    who = next((one for one in found if one.id == name), None)
    if who is None:
        names = ", ".join(one.id for one in found) or "none"
        raise Missing(f"no subscriber '{name}' in the active audience; there are {names}")
    return who


def change_subscription(store: Store, name: str, via: str, at: datetime, *, by: str, resume: bool) -> None:
    """Ends or resumes what somebody is sent by one channel. Raises Missing for a channel that does not reach them."""
    who = require_subscriber(store, name)
    ways = [target.via for target in who.targets]
    if via not in ways:
        raise Missing(f"{name} is not told by {via}; by {', '.join(ways) or 'nothing'}")
    data = {"subscriber": name, "via": via, "by": by}
    append_everywhere(store, RESUBSCRIBE if resume else UNSUBSCRIBE, data, at, partitions=store.partitions)
