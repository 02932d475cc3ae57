"""`almenara demo`: the real Peru case in its own time, told in the terminal; then proof, and what to try next."""

import json
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.app.demo import Demo, Happened
    from almenara.domain.alert import AlertChanged
    from almenara.domain.notice import Notice
    from almenara.notifier.send import Sent
    from almenara.ports.store import Store

_PAUSE_S = 0.25
_MARK = "made-by-demo"
_TYPES = {"source.checked", "event.corrected", "event.withdrawn"}


@click.command()
@click.option("--no-serve", is_flag=True, help="Serve nothing at the end (nothing is served yet; kept for scripts).")
@click.option("--fast", is_flag=True, help="No pauses between days.")
@verb
def command(session: Session, no_serve: bool, fast: bool) -> int:
    """The real Peru case, each fact on the day it became public; embedded, with local mail and Slack sinks."""
    from almenara.adapters.sql.store import open_sqlite
    from almenara.app.demo import Demo

    data_dir = session.data_dir or Path("data/demo")
    session.data_dir = data_dir
    if data_dir.exists():
        _clear(data_dir)
    data_dir.mkdir(parents=True)
    (data_dir / _MARK).write_text("made by `almenara demo`, which may remove this folder\n", "utf-8")
    settings = session.settings
    # Never the database of the settings, which may hold a real record.
    store = open_sqlite(data_dir / "almenara.db", settings.kafka.partitions)
    session.stack.callback(store.close)
    teller = _Teller(session, pause_s=0.0 if fast or session.json or session.quiet else _PAUSE_S)
    with Demo(store, session.config_dir, data_dir, settings) as demo:
        teller.head(demo, data_dir)
        demo.run(teller.tell)
        posts = len(demo.slack.posts())
        mails = len(demo.smtp.mails())
    session.say()
    session.say(
        f"Sent      {mails} mails as .eml in {data_dir / 'mails'} · {posts} Slack posts in {data_dir / 'slack'}"
    )
    sound = _proof(session, store, data_dir)
    _next(session, teller, data_dir)
    if session.json:
        click.echo(json.dumps(_summary(store, teller), ensure_ascii=False))
    return 0 if sound else 1


class _Teller:
    """Says what happened, a day at a time."""

    def __init__(self, session: Session, *, pause_s: float) -> None:
        self._session = session
        self._pause_s = pause_s
        self._case = ""
        self._day = ""
        self.changes: list[AlertChanged] = []
        self.sent: list[Sent] = []
        self.events = 0

    def head(self, demo: "Demo", data_dir: Path) -> None:
        rules, trials = demo.checked.ruleset, demo.checked.trials
        live = sum(rule.alerts for rule in rules.rules)
        say = self._session.say
        say("Almenara demo · Peru between the US and China")
        say("28 real facts, each told on the day it became public. Times are UTC.")
        say("No network, no Docker, nothing is sent: sinks for mail and Slack run here.")
        checked = f"check ok · {len(trials)} tests ok · activated {demo.checked.digest[:12]}"
        self._line("ruleset", f"{live} rules, {len(rules.lists)} watchlists · {checked}")
        self._line("record", str(data_dir / "almenara.db"))

    def tell(self, happened: "Happened") -> None:
        self.changes += happened.changes
        self.sent += happened.sent
        self.events += len(happened.events)
        if happened.case != self._case:
            self._case = happened.case
            if happened.case == "almoria":
                self._session.say()
                self._session.say("Almoria (made up), to show what the real case lacks")
        self._later(happened)
        told = [changed for changed in happened.changes if changed.at < happened.at]
        self._changes(told, happened)
        for event in happened.events:
            self._event(event)
        self._changes([changed for changed in happened.changes if changed.at >= happened.at], happened)
        for waiting in happened.waiting:
            self._date(happened.at)
            rest = f"deadline {_short(waiting.deadline)}"
            self._line("waiting", f"{waiting.rule} · {_who(waiting.event.data)} · {rest}")

    def _event(self, event: Any) -> None:
        self._date(event.recorded)
        what = _summary_of(event.data) or _reading_of(event.data)
        later = (
            f" ({event.time:%-d %b %Y})"
            if event.time.date() < event.recorded.date() and event.type not in _TYPES
            else ""
        )
        self._line("event", f"{event.type}{later}  {what}")

    def _changes(self, changes: Sequence["AlertChanged"], happened: "Happened") -> None:
        for changed in changes:
            self._date(changed.at)
            alert = changed.alert
            word = {"raised": "ALERT", "updated": "update", "resolved": "closed", "retracted": "retract"}[
                changed.change
            ]
            why = "" if changed.change == "raised" else f" ({str(changed.reason).replace('_', ' ')})"
            self._line(word, f"{alert.level.upper():7} {alert.title['en']}{why}  {alert.cite}")
            # Sends run side by side: without an order of its own the line would differ from run to run.
            ways = [_way(one) for one in sorted(happened.sent, key=_rank) if _about(one, changed.id)]
            if ways:
                self._line("", "→ " + ", ".join(ways))
            for held in sorted(happened.held, key=lambda one: one.subscriber):
                if (held.alert, held.at) == (alert.uid, changed.at) and held.again_at is not None:
                    until = f"until {_short(held.again_at)} ({held.detail.replace('_', ' ')})"
                    self._line("", f"held {held.channel} {held.subscriber} {until}")

    def _later(self, happened: "Happened") -> None:
        """What had waited, and is sent in this step."""
        fresh = {changed.id for changed in happened.changes}
        for one in sorted(happened.sent, key=lambda one: (one.notice.due, _rank(one))):
            if not any(_about(one, change) for change in fresh):
                self._date(one.notice.due)
                self._line("sent", f"{_short(one.notice.due)} {_way(one)}  {_told(one)}")

    def _date(self, at: datetime) -> None:
        day = f"{at:%Y-%m-%d}"
        if day != self._day:
            if self._pause_s:
                time.sleep(self._pause_s)
            self._session.say(day)
            self._day = day

    def _line(self, word: str, text: str) -> None:
        width = shutil.get_terminal_size((120, 24)).columns
        room = max(40, width - 12)
        words, line = text.split(" "), ""
        first = True
        for piece in words:
            if line and len(line) + 1 + len(piece) > room:
                self._session.say(f"  {word if first else '':9} {line.rstrip()}")
                line, first = "  " + piece, False
            else:
                line = f"{line} {piece}" if line else piece
        self._session.say(f"  {word if first else '':9} {line}")


def _proof(session: Session, store: "Store", data_dir: Path) -> bool:
    """Folds the record again with the network off, then shows that one flipped byte is found."""
    from almenara.adapters.sql.store import open_sqlite
    from almenara.app.isolation import no_network
    from almenara.app.replay import replay_alerts, verify_log
    from almenara.app.tamper import flip_byte
    from almenara.audit.explain import records

    with no_network():
        results = replay_alerts(store)
        difference = next((result.difference for result in results if result.difference), None)
        compared = sum(result.changes for result in results)
        verdict = f"NOT identical: {difference}" if difference else f"identical {compared}/{compared}"
        session.say(f"Replay    folded again, network off                 {verdict}")
        whole = verify_log(store)
        victim = next(record for record in records(store, "events") if record.key == "PER")
        copy = data_dir / "tampered.db"
        flip_byte(data_dir / "almenara.db", copy, victim)
        tampered = open_sqlite(copy)
        found = verify_log(tampered)
        tampered.close()
    copy.unlink()
    session.say(
        f"Verify    {whole.records:,} records, every chain holds" if not whole.fault else f"Verify    {whole.fault}"
    )
    session.say(
        f"Tamper    one byte flipped in {victim.position} of a copy    found: {found.fault} (exit 3, as it must)"
    )
    return difference is None and not whole.fault and found.fault.startswith(victim.position)


def _next(session: Session, teller: _Teller, data_dir: Path) -> None:
    alert = next(c.alert for c in teller.changes if c.alert.rule == "unregistered_meeting")
    event = next(c.alert.events[0].id for c in teller.changes if c.alert.rule == "strong_statement")
    where = "" if data_dir == Path("data") else f" --data-dir {data_dir}"
    session.say(f"Next      .venv/bin/almenara explain {alert.cite}{where}")
    session.say(f"          .venv/bin/almenara explain {event} --rule sustained_rhetoric{where}")


def _summary(store: "Store", teller: _Teller) -> dict[str, Any]:
    from almenara.cli.alerts import as_json

    latest = {changed.alert.uid: changed.alert for changed in teller.changes}
    deliveries = [_delivery(one) for one in teller.sent]
    alerts = sorted(latest.values(), key=lambda alert: (alert.raised_at, alert.uid))
    return {"events": teller.events, "alerts": [as_json(alert) for alert in alerts], "deliveries": deliveries}


def _delivery(sent: "Sent") -> dict[str, Any]:
    notice = sent.notice
    about = getattr(notice, "about", "")  # a digest has no alert of its own
    return {
        "delivery": notice.delivery,
        "alert": about or _notice(sent).changed.alert.cite,
        "change": about or str(_notice(sent).changed.change),
        "subscriber": notice.subscriber,
        "channel": getattr(notice, "channel", ""),
        "outcome": str(sent.outcome.kind),
        "possible_duplicate": sent.possible_duplicate,
    }


def _clear(data_dir: Path) -> None:
    """Removes what an earlier demo left; refuses a folder that is something else."""
    from almenara.domain.errors import Refused

    known = {
        "almenara.db",
        "almenara.db-wal",
        "almenara.db-shm",
        "mails",
        "slack",
        "tampered.db",
        "audience.key",
        _MARK,
    }
    strange = sorted(path.name for path in data_dir.iterdir() if path.name not in known)
    if strange or (any(data_dir.iterdir()) and not (data_dir / _MARK).exists()):
        raise Refused(
            f"{data_dir} holds {', '.join(strange) or 'data'} that no demo made; name another with --data-dir"
        )
    shutil.rmtree(data_dir)


def _rank(sent: "Sent") -> tuple[str, str]:
    return getattr(sent.notice, "channel", ""), sent.notice.subscriber


def _notice(sent: "Sent") -> "Notice":
    return cast("Notice", sent.notice)


def _about(sent: "Sent", change: str) -> bool:
    """Whether the message tells this change, and no other."""
    return not hasattr(sent.notice, "about") and _notice(sent).changed.id == change


def _way(sent: "Sent") -> str:
    notice = sent.notice
    failed = "" if sent.outcome.kind == "delivered" else f" {sent.outcome.kind}"
    return f"{getattr(notice, 'channel', '')} {notice.subscriber} ({getattr(notice, 'language', '')}){failed}"


def _told(sent: "Sent") -> str:
    from almenara.notifier.words.messages import message_of

    return message_of(sent.notice).headline


def _summary_of(data: Any) -> str:
    summary = data.get("summary")
    return str(summary.get("en", "")) if isinstance(summary, dict) else ""


def _reading_of(data: Any) -> str:
    source = data.get("source")
    name = source.get("id", "") if isinstance(source, dict) else ""
    return f"{name} read: {data.get('outcome', '')}" + (f", by {data['by']}" if data.get("by") else "")


def _who(data: Any) -> str:
    names = [data[role].get("name", "") for role in ("official", "counterpart") if isinstance(data.get(role), dict)]
    return " – ".join(name for name in names if name)


def _short(at: datetime) -> str:
    return f"{at:%-d %b %H:%M}"
