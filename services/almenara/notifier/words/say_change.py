"""What a message says of a change: the word for the headline, and what changed, before anything else.

What was claimed before stays visible; nothing is taken back without saying so.
"""

from collections.abc import Callable, Mapping
from typing import Final

from almenara.domain.alert import ENDS, AlertChanged, Change, Reason
from almenara.domain.text import plain
from almenara.notifier.words.reading import NAME, SENTENCE, get, name_of, sources_of
from almenara.notifier.words.say_meeting import pair
from almenara.notifier.words.say_other import summary
from almenara.notifier.words.telling import Telling

_RESOLVED_WORDS: Final = {
    Reason.REGISTERED_LATE: ("CLOSED, registered late", "CERRADA, registro tardío"),
    Reason.FOUND_WHEN_READ: ("CLOSED, found when read", "CERRADA, hallado al leer"),
    Reason.RULE_REMOVED: ("CLOSED, rule removed", "CERRADA, regla retirada"),
    Reason.RULE_CHANGED: ("CLOSED, rule changed", "CERRADA, regla modificada"),
}
_FOUND: Final = (Reason.REGISTERED_LATE, Reason.FOUND_WHEN_READ)
_CHANGE_WORDS: Final = {
    Change.UPDATED: ("updated", "actualizada"),
    Change.ACKNOWLEDGED: ("acknowledged", "tomada a cargo"),
    Change.ASSIGNED: ("assigned", "asignada"),
}
_JUDGEMENTS: Final = {
    "true": ("true", "acertada"),
    "false": ("a false alarm", "falsa alarma"),
    "unclear": ("unclear", "dudosa"),
}


def status_word(changed: AlertChanged, telling: Telling, level_word: str) -> str:
    """The first words of the headline: the level, or that the alert is closed or retracted."""
    if changed.change == Change.RETRACTED:
        return telling.say("RETRACTED", "RETIRADA")
    if changed.change == Change.RESOLVED and telling.silence and changed.reason in _FOUND:
        return telling.say("CLOSED, read again", "CERRADA, leída de nuevo")
    if changed.change == Change.RESOLVED:
        return telling.say(*_RESOLVED_WORDS.get(changed.reason, ("CLOSED", "CERRADA")))
    if changed.change == Change.JUDGED:
        return f"{level_word}, {telling.say('judged', 'valorada:')} {_judgement(changed, telling)}"
    if changed.change in _CHANGE_WORDS:
        return f"{level_word}, {telling.say(*_CHANGE_WORDS[changed.change])}"
    return level_word


def claim(changed: AlertChanged, telling: Telling, title: str) -> str:
    """What the headline claims after the change: for a closed alert never the old claim as if it still stood."""
    if changed.change == Change.RETRACTED:
        return telling.say(f"No longer stands: {title}", f"Ya no vale: {title}")
    if changed.change == Change.RESOLVED and changed.reason in _FOUND and telling.silence:
        source = name_of(get(changed.alert.events[-1].data, "source"), telling.language) or title
        return telling.say(f"No longer silent: {source}", f"Ya no está en silencio: {source}")
    if changed.change == Change.RESOLVED and changed.reason in _FOUND:
        lead = telling.say("Entry now found", "Anotación hallada")
        anchor = changed.alert.events[-1] if changed.alert.events else None
        names = pair(anchor, telling) if anchor else ""
        return f"{lead}: {names}, {telling.day_of(anchor)}" if anchor and names else f"{lead}: {title}"
    if changed.change == Change.RESOLVED:
        return telling.say(f"No longer followed: {title}", f"Ya no se sigue: {title}")
    return title


def what_changed(changed: AlertChanged, telling: Telling) -> str:
    """What an update says first; empty for a new alert."""
    if changed.change == Change.RAISED:
        again = changed.reason == Reason.ENTRY_WITHDRAWN
        return _entry_withdrawn(changed, telling) if again else ""
    if changed.reason == Reason.COMMAND:
        text = _command(changed, telling)
    else:
        text = _SAID.get(changed.reason, _anything)(changed, telling)
    lead = (
        telling.say("What changed: ", "Qué cambió: ")
        if changed.change in ENDS
        else telling.say("Updated: ", "Actualizada: ")
    )
    return lead + text


def _joined(changed: AlertChanged, telling: Telling) -> str:
    """The events that the change brought, in a sentence each."""
    return " ".join(summary(event, telling) for event in changed.joined[:5])


def _another_source(changed: AlertChanged, telling: Telling) -> str:
    names = telling.join(sources_of(changed.joined, telling.language)[:5])
    lead = telling.say(
        f"another source reports it: {names}." if names else "another source reports it.",
        f"otra fuente lo informa: {names}." if names else "otra fuente lo informa.",
    )
    return f"{lead} {_joined(changed, telling)}".strip()


def _more_events(changed: AlertChanged, telling: Telling) -> str:
    lead = telling.say("more has happened.", "hay nuevos hechos.")
    return f"{lead} {_joined(changed, telling)}".strip()


def _source_read(changed: AlertChanged, telling: Telling) -> str:
    return telling.say(
        "what could not be checked has been checked since: the sources were read, and no entry was found.",
        "lo que no se pudo comprobar ya se comprobó: se leyeron las fuentes y no se halló anotación.",
    )


def _found_when_read(changed: AlertChanged, telling: Telling) -> str:
    return telling.say(
        f"when the source was read, the entry was there{_entry_time(changed, telling)}. Nothing is missing.",
        f"al leer la fuente, la anotación constaba{_entry_time(changed, telling)}. No falta nada.",
    )


def _registered_late(changed: AlertChanged, telling: Telling) -> str:
    if telling.silence:
        return _read_again(changed, telling)
    alert = changed.alert
    entry = changed.joined[0] if changed.joined else None
    known = telling.day(entry.recorded if entry else changed.at)
    raised = telling.hour(alert.raised_at, year=True)
    readings = [r.recorded for r in alert.search.readings if r.recorded < changed.at] if alert.search else []
    text = telling.say(
        f"an entry{_entry_time(changed, telling)} became known on {known}",
        f"una anotación{_entry_time(changed, telling)} se conoció el {known}",
    )
    if readings:
        last = telling.hour(max(readings), year=True)
        text += telling.say(
            f"; our readings up to {last} do not have it", f"; nuestras lecturas hasta el {last} no la contienen"
        )
    return text + telling.say(
        f". The alert of {raised} was true when sent and stays on record. Do not cite it as open.",
        f". La alerta del {raised} era cierta al enviarse y queda en el archivo. No la cite como abierta.",
    )


def _read_again(changed: AlertChanged, telling: Telling) -> str:
    known = telling.hour(changed.joined[0].recorded if changed.joined else changed.at, year=True)
    return telling.say(f"the source was read again on {known}.", f"la fuente se leyó de nuevo el {known}.")


def _late_reading(changed: AlertChanged, telling: Telling) -> str:
    cite, time = plain(changed.alert.cite, NAME), _entry_time(changed, telling)
    return telling.say(
        f"the entry was there{time}; our reader missed it. The error is ours: disregard {cite}.",
        f"la anotación constaba{time}; nuestro lector no la vio. El error es nuestro: ignore {cite}.",
    )


def _entry_withdrawn(changed: AlertChanged, telling: Telling) -> str:
    return telling.say(
        "an entry that was known before has been withdrawn; without it none is known.",
        "se retiró una anotación conocida antes; sin ella no se conoce ninguna.",
    )


def _source_corrected(changed: AlertChanged, telling: Telling) -> str:
    if changed.change == Change.RETRACTED:
        cite = plain(changed.alert.cite, NAME)
        return telling.say(
            f"the source has corrected its report; what was claimed no longer follows. Disregard {cite}.",
            f"la fuente corrigió su informe; lo afirmado ya no se sigue de él. Ignore {cite}.",
        )
    lead = telling.say("the source has corrected its report.", "la fuente corrigió su informe.")
    return f"{lead} {_joined(changed, telling)}".strip()


def _source_withdrawn(changed: AlertChanged, telling: Telling) -> str:
    cite = plain(changed.alert.cite, NAME)
    if changed.change != Change.RETRACTED:  # one report of several, or a reading that proved the search
        return telling.say(
            "something that this stood on has been withdrawn.", "algo en lo que esto se apoyaba fue retirado."
        )
    tail = telling.say(f" Disregard {cite}.", f" Ignore {cite}.")
    return telling.say("the report has been withdrawn.", "el informe fue retirado.") + tail


def _no_longer_met(changed: AlertChanged, telling: Telling) -> str:
    if changed.change != Change.RETRACTED:
        return telling.say(
            "by what became known late, part of this no longer counts.",
            "por lo que se supo tarde, parte de esto ya no cuenta.",
        )
    cite = plain(changed.alert.cite, NAME)
    return telling.say(
        f"by what became known late, this does not hold. Disregard {cite}.",
        f"por lo que se supo tarde, esto no se cumple. Ignore {cite}.",
    )


def _merged(changed: AlertChanged, telling: Telling) -> str:
    return telling.say(
        "what became known late joins this with another alert, which goes on and holds these events too.",
        "lo que se supo tarde une esto con otra alerta, que continúa y reúne también estos hechos.",
    )


def _rule_removed(changed: AlertChanged, telling: Telling) -> str:
    return telling.say(
        "the rule is no longer in use, so nobody watches this any more. Nothing new was found.",
        "la regla ya no está en uso y esto deja de vigilarse. No se halló nada nuevo.",
    )


def _rule_changed(changed: AlertChanged, telling: Telling) -> str:
    return telling.say(
        "the rule looks for something else now, so nobody watches this any more. Nothing new was found.",
        "la regla busca ahora otra cosa y esto deja de vigilarse. No se halló nada nuevo.",
    )


def _anything(changed: AlertChanged, telling: Telling) -> str:
    return _joined(changed, telling) or telling.say("the alert was decided again.", "la alerta se volvió a evaluar.")


def _command(changed: AlertChanged, telling: Telling) -> str:
    by = plain(changed.by, NAME) or telling.say("an operator", "un operador")
    note = plain(changed.note, SENTENCE)
    if changed.change == Change.ACKNOWLEDGED:
        text = telling.say(f"{by} has taken it on.", f"{by} la tomó a cargo.")
    elif changed.change == Change.ASSIGNED:
        to = plain(changed.alert.assignee, NAME)
        text = telling.say(f"{by} gave it to {to}.", f"{by} la asignó a {to}.")
    elif changed.change == Change.JUDGED:
        word = _judgement(changed, telling)
        text = telling.say(f"{by} judged it: {word}.", f"{by} la valoró: {word}.")
    elif changed.change == Change.RETRACTED:
        cite = plain(changed.alert.cite, NAME)
        text = telling.say(f"{by} retracted it. Disregard {cite}.", f"{by} la retiró. Ignore {cite}.")
    else:
        text = telling.say(f"changed by {by}.", f"cambio de {by}.")
    return f"{text} {telling.say('Reason', 'Motivo')}: {note}" if note else text


def _judgement(changed: AlertChanged, telling: Telling) -> str:
    return telling.say(*_JUDGEMENTS.get(changed.alert.judgement, _JUDGEMENTS["unclear"]))


def _entry_time(changed: AlertChanged, telling: Telling) -> str:
    if not changed.joined:
        return ""
    when = telling.when(changed.joined[0])
    return telling.say(f" (visit {when})", f" (visita del {when})")


_SAID: Final[Mapping[Reason, Callable[[AlertChanged, Telling], str]]] = {
    Reason.ANOTHER_SOURCE: _another_source,
    Reason.MORE_EVENTS: _more_events,
    Reason.NO_LONGER_MET: _no_longer_met,
    Reason.MERGED: _merged,
    Reason.SOURCE_READ: _source_read,
    Reason.FOUND_WHEN_READ: _found_when_read,
    Reason.REGISTERED_LATE: _registered_late,
    Reason.LATE_READING: _late_reading,
    Reason.ENTRY_WITHDRAWN: _entry_withdrawn,
    Reason.SOURCE_CORRECTED: _source_corrected,
    Reason.SOURCE_WITHDRAWN: _source_withdrawn,
    Reason.RULE_REMOVED: _rule_removed,
    Reason.RULE_CHANGED: _rule_changed,
}
