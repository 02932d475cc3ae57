"""`almenara rules promote`: a rule in shadow becomes live, after a look at what it did there."""

import sys
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from almenara.cli.session import Session, verb

if TYPE_CHECKING:
    from almenara.app.backtest_shadow import ShadowRecord
    from almenara.app.promotion import Promotion

_LATEST = 5


@click.command()
@click.argument("rule")
@click.option("--reason", required=True, help="Why; it stands in the record.")
@click.option("--by", required=True, help="Who; it stands in the record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@verb
def promote(session: Session, rule: str, reason: str, by: str, yes: bool) -> int:
    """Makes an experimental RULE live: shows its record in shadow, then, confirmed, edits its status and activates.

    Only the word after `status:` changes in its file. Without --yes it asks on a terminal; elsewhere it is refused.
    """
    from almenara.app.backtest_shadow import shadow_record
    from almenara.app.content import read_content
    from almenara.app.promotion import carry_out, prepare
    from almenara.cli.rules_backtest import configured_audience
    from almenara.domain.errors import Refused

    lateness = int(session.settings.time.allowed_lateness.total_seconds())
    content = read_content(session.config_dir, allowed_lateness_s=lateness)
    promotion = prepare(session.store, session.config_dir, content, rule)
    record = shadow_record(session.store, promotion.rule, configured_audience(session))
    _show(session, promotion, record)
    if not yes:
        if not sys.stdin.isatty():
            session.give(_as_json(promotion, record, promoted=False))
            raise Refused(f"{rule} is not promoted: nobody confirmed it; add --yes")
        if not click.confirm(f"Make {rule} live?", err=True):
            raise Refused(f"{rule} is not promoted")
    carry_out(session.store, promotion, datetime.now(UTC), by=by, reason=reason)
    session.give(_as_json(promotion, record, promoted=True))
    session.say(f"{rule} is live: activated {promotion.checked.digest[:12]}, {promotion.rule.file} edited")
    return 0


def _show(session: Session, promotion: "Promotion", record: "ShadowRecord") -> None:
    from almenara.domain.text import plain

    rule, judged = promotion.rule, record.judged()
    since = f"in shadow since {record.since:%Y-%m-%d %H:%M} UTC" if record.since else "never ran in shadow"
    session.say(f"{rule.name} ({rule.level}): {plain(rule.title)}")
    open_ = len(record.alerts) - sum(judged.values())
    said = ", ".join(f"{count} judged {word}" for word, count in judged.items())
    session.say(f"  {since}: {len(record.alerts)} alerts, {said}, {open_} not judged")
    for alert in record.alerts[-_LATEST:]:
        word = f"judged {alert.judgement}" if alert.judgement else str(alert.state)
        session.say(f"    {alert.cite}  {alert.raised_at:%Y-%m-%d %H:%M}  {word:14} {plain(alert.title.get('en', ''))}")
    if len(record.alerts) > _LATEST:
        session.say(f"    and {len(record.alerts) - _LATEST} before")
    session.say(f"  live it would have sent {len(record.told)} messages")
    for (who, via), count in sorted(Counter((one.subscriber, one.via) for one in record.told).items()):
        session.say(f"    {who} by {via}: {count}")
    for name in promotion.also:
        session.say(f"  goes live with it, for it is not active yet: {name}")


def _as_json(promotion: "Promotion", record: "ShadowRecord", *, promoted: bool) -> dict[str, object]:
    counted = Counter((one.subscriber, one.channel, one.via) for one in record.told)
    messages = [{"to": who, "channel": kind, "via": via, "count": n} for (who, kind, via), n in sorted(counted.items())]
    return {
        "rule": promotion.rule.name, "since": record.since, "alerts": [alert.cite for alert in record.alerts],
        "judged": record.judged(), "messages": messages, "also": list(promotion.also), "promoted": promoted,
        "hash": promotion.checked.digest,
    }  # fmt: skip
