"""The processes of figure 13: the receiver, and our notifier; and what came of each alert."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from standardwebhooks.webhooks import Webhook

import alerts
from almenara.adapters.sql.store import open_sqlite
from almenara.ports.log import DELIVERIES, read_range
from almenara.ports.wire import decode_delivery
from process import LIMIT_S, ProgramFailed
from service import PARTITIONS
from setup import agree

SECRET: Final = "whsec_bWFkZSB1cCwgdGhpcnR5LXR3byBieXRlcyBsb25nLi4="
_HERE: Final = Path(__file__).parent
_LOOK_S: Final = 0.02
_LAST_S: Final = 0.3
"""A second copy would come within this time."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One post at the receiver: when, and what it said."""

    at: float
    headers: dict[str, str]
    body: str


class Talking:
    """A program that is told things line by line, and answers in lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def say(self, word: str) -> None:
        """One line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """The next line from it. Raises ProgramFailed when it has ended."""
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            raise ProgramFailed(f"{Path(str(self._process.args[1])).name} ended with {self._process.wait()}")  # type: ignore[index]
        return line.strip()


class Receiver(Talking):
    """Answers every post with 200, at once, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        super().__init__(process)
        self.url = f"http://127.0.0.1:{int(self.hear())}/hooks/bench"

    def wait_for(self, count: int, alive: Callable[[], bool]) -> None:
        """Until so many posts have come. Raises ProgramFailed when they do not, or whoever posts has ended."""
        limit = time.monotonic() + LIMIT_S
        while self._count() < count:
            if time.monotonic() > limit or not alive():
                raise ProgramFailed(f"{self._count()} posts came of {count}")
            time.sleep(_LOOK_S)

    def take(self) -> list[Arrived]:
        """All that came, with what might still come by mistake; forgotten then."""
        time.sleep(_LAST_S)
        self.say("take")
        return [Arrived(*one) for one in json.loads(self.hear())]

    def _count(self) -> int:
        self.say("count")
        return int(self.hear())


@contextmanager
def program(name: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """One of our programs while it runs; its standard input is closed at the end, which ends it."""
    command = [sys.executable, str(_HERE / name), *(str(one) for one in arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """The receiver."""
    with program("receiver_main.py") as process:
        yield Receiver(process)


def prepared(path: Path, count: int) -> Path:
    """A store whose log holds so many alerts, and somebody who wants them."""
    with closing(open_sqlite(path, PARTITIONS)) as store:
        alerts.announced(store)
        if count:
            store.append([alerts.raised(number) for number in range(count)])
    return path


def worked(receiver: Receiver, path: Path, load: Sequence[int] = (), *, count: int) -> dict[str, Any]:
    """Our notifier over a store until so many posts have come. What it says of itself, and when it `began`."""
    with program("notifier_main.py", path, receiver.url, SECRET, *load) as process:
        talking = Talking(process)
        talking.hear()
        began = time.monotonic()
        talking.say("go")
        receiver.wait_for(count, lambda: process.poll() is None)
        talking.say("stop")
        said: dict[str, Any] = json.loads(talking.hear())
    return said | {"began": began}


def names_in(arrived: Sequence[Arrived], *, signed: bool) -> list[str]:
    """The alerts that posts told of, in order of their arrival. Raises what is wrong with a signature."""
    webhook = Webhook(SECRET)
    found: list[str] = []
    for one in arrived:
        said = json.loads(one.body)
        if signed:
            webhook.verify(one.body, one.headers, json_parse=False)
            found.append(said["data"]["cite"])
        else:
            found += [alert["labels"]["cite"] for alert in said["alerts"]]
    return found


def check_once(whose: str, names: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises Wrong unless each alert was told once."""
    agree(f"{whose}: alerts that were not told once", Counter(wanted) - Counter(names), Counter())
    agree(f"{whose}: alerts told again", Counter(names) - Counter(wanted), Counter())


def check_recorded(path: Path, count: int) -> None:
    """Raises Wrong unless the record tells of one attempt and one delivery of each alert."""
    steps: Counter[tuple[str, str]] = Counter()
    with closing(open_sqlite(path)) as store:
        for partition in range(store.partitions):
            for record in read_range(store, DELIVERIES, partition):
                step = decode_delivery(record.body)
                steps[step.alert, str(step.state)] += 1
        agree("sends that are not settled", store.pending(), 0)
    expected = {(f"bench-{n}", state): 1 for n in range(count) for state in ("attempting", "delivered")}
    agree("recorded steps", dict(steps) == expected, True)
