"""Whether an alert is one that a filter, a silence, an inhibition or a ceiling speaks of. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from almenara.domain.alert import Alert, Evidence
from almenara.domain.audience import TLPS, Inhibition, Want
from almenara.domain.silence import Silence

_KEY = "key."


def passes(want: Want, alert: Alert) -> bool:
    """Whether the filter lets the alert pass; a country matches in any role."""
    roles = {code for codes in alert.countries.values() for code in codes}
    return (
        (not want.countries or bool(roles & set(want.countries)))
        and (not want.rules or alert.rule in want.rules)
        and (not want.levels or alert.level in want.levels)
        and (not want.tags or bool(set(alert.tags) & set(want.tags)))
        and (not want.entities or bool(set(alert.entities) & set(want.entities)))
    )


def silences(silence: Silence, alert: Alert, at: datetime) -> bool:
    """Whether the silence holds the alert back at a time."""
    if not silence.start <= at < silence.until:
        return False
    return silence.alert == alert.uid if silence.alert else passes(silence.matcher, alert)


def inhibits(rule: Inhibition, source: Alert, target: Alert) -> bool:
    """Whether an open alert says already what another would. Both are of one country, whatever `equal` says.

    Countries share a partition by chance, and chance must not decide who is told.
    """
    return (
        source.uid != target.uid
        and source.country == target.country
        and passes(rule.source, source)
        and passes(rule.target, target)
        and all(_field(source, name) == _field(target, name) for name in rule.equal)
    )


def tlp_of(alert: Alert, default: str, joined: Iterable[Evidence] = ()) -> str:
    """How confidential the alert is: the strictest of its events. One that says nothing sound has the default.

    `joined` are those that a change brought: the entry that came late is none of the alert's own events. The entries
    nearest to what was searched for are told as well, so they count.
    """
    nearest = alert.search.nearest if alert.search is not None else ()
    found = [str(event.data.get("tlp", default)) for event in (*alert.events, *nearest, *joined)]
    return max((one if one in TLPS else default for one in found), key=TLPS.index, default=default)


def above(tlp: str, ceiling: str) -> bool:
    """Whether something is too confidential for a ceiling. A ceiling that is none lets nothing but CLEAR pass."""
    return TLPS.index(tlp) > (TLPS.index(ceiling) if ceiling in TLPS else 0)


def _field(alert: Alert, name: str) -> Any:
    return alert.key.get(name.removeprefix(_KEY)) if name.startswith(_KEY) else getattr(alert, name)
