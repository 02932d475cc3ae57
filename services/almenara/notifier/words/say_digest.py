"""What a digest says: a line for each alert that waited, the most severe first; then what stands open or is silent.

Pure. An empty digest is worth sending where it is wished for: nothing was found, and this is whether somebody looked.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from almenara.domain.alert import ENDS
from almenara.domain.message import Message, Paragraph
from almenara.domain.notice import DigestNotice, Held, Notice, NotSent
from almenara.domain.text import plain
from almenara.notifier.words import vocabulary as words
from almenara.notifier.words.compose import PARAGRAPH, compose
from almenara.notifier.words.reading import NAME

_REASONS: Final = {
    NotSent.SILENCED: ("silenced", "silenciadas"),
    NotSent.INHIBITED: ("said by another alert", "dichas por otra alerta"),
    NotSent.CONFIDENTIAL: ("too confidential", "demasiado confidenciales"),
}
_COUNTED: Final = {
    "critical": (("critical", "crítica"), ("critical", "críticas")),
    "high": (("high", "alta"), ("high", "altas")),
}
_LONG_AGO: Final = datetime(1971, 1, 1, tzinfo=UTC)


def compose_digest(digest: DigestNotice, *, contact: str = "", possible_duplicate: bool = False) -> Message:
    """The message of a digest, in its reader's language and time zone."""
    said = _Said(digest)
    levels = {notice.changed.alert.level for notice in digest.notices if notice.changed.change not in ENDS}
    level = next((one for one in words.DOTS if one in levels), "informational")  # the most severe stands first there
    dot = words.DOTS[level] if levels else words.CLOSED_DOT
    word = said.say("DIGEST", "RESUMEN")
    parts = [word, said.span(), said.counts(), said.countries()]
    return Message(
        id=digest.delivery,
        thread=digest.delivery,
        language=said.language,
        level=level,
        level_word=word,
        dot=dot,
        country="",
        headline=plain(f"{dot} {' · '.join(part for part in parts if part)}", PARAGRAPH),
        paragraphs=tuple(said.paragraphs()),
        caution=said.caution(),
        reference=said.reference(),
        why_you=said.why_you(plain(contact, NAME)),
        mark=said.say(*words.POSSIBLE_DUPLICATE) if possible_duplicate else "",
    )


class _Said:
    """The sentences of one digest."""

    def __init__(self, digest: DigestNotice) -> None:
        self._digest = digest
        self.language = digest.language if digest.language in words.LANGUAGES else "en"
        self._zone = words.zone_of(digest.time_zone)
        self._total = len(digest.notices) + digest.more

    def say(self, english: str, spanish: str) -> str:
        """The one of two texts that the reader reads."""
        return spanish if self.language == "es" else english

    def span(self) -> str:
        """`11 Feb – 18 Feb 2026`, or the day alone."""
        last = self._day(self._digest.at)
        first = self._digest.since
        if first < _LONG_AGO or self._day(first) == last or self._digest.at - first <= timedelta(days=1):
            return last
        return f"{self._day(first, year=False)} – {last}"

    def counts(self) -> str:
        """`5 alerts, 2 high`."""
        if not self._total:
            return self.say("no new alerts", "ninguna alerta nueva")
        found = Counter(self._digest.levels)
        noun = self.say("alert", "alerta") if self._total == 1 else self.say("alerts", "alertas")
        told = [f"{self._total} {noun}"]
        for level, (one, many) in _COUNTED.items():
            if found[level]:
                told.append(f"{found[level]} {self.say(*(one if found[level] == 1 else many))}")
        return ", ".join(told)

    def countries(self) -> str:
        """The countries that it speaks of."""
        codes = sorted({notice.changed.alert.country for notice in self._digest.notices})
        return words.country_names(codes, self.language) if codes else ""

    def paragraphs(self) -> Iterator[Paragraph]:
        """A paragraph for each alert, then what stands open and what is silent."""
        for notice in self._digest.notices:
            yield self._line(notice)
        if self._digest.more:
            more = self._digest.more
            yield Paragraph(
                label=self.say("More", "Más"),
                text=self.say(
                    f"{more} more alerts, not shown here; whoever runs Almenara can list them.",
                    f"{more} alertas más, no mostradas; quien opera Almenara puede listarlas.",
                )
                if more > 1
                else self.say(
                    "1 more alert, not shown here; whoever runs Almenara can list it.",
                    "1 alerta más, no mostrada; quien opera Almenara puede verla en la lista.",
                ),
            )
        yield Paragraph(label=self.say("Standing", "Estado"), text=self._standing())
        yield Paragraph(label=self.say("Sources", "Fuentes"), text=plain(self._sources(), PARAGRAPH))

    def _line(self, notice: Notice) -> Paragraph:
        message = compose(notice)
        text = message.headline.removeprefix(message.dot).lstrip()
        day = words.day_of(notice.at, self.language, self._zone, year=False)
        return Paragraph(label=day, text=plain(f"{text} · {message.cite}", PARAGRAPH))

    def _standing(self) -> str:
        digest = self._digest
        parts = [
            f"{self.say('still open', 'abiertas')} {digest.open}",
            f"{self.say('closed', 'cerradas')} {digest.closed}",
        ]
        held = sum(digest.held_back.values())
        if held:
            why = ", ".join(f"{self._reason(reason)} {count}" for reason, count in digest.held_back.items())
            parts.append(f"{self.say('held back for you', 'retenidas para usted')} {held} ({why})")
        return " · ".join(parts)

    def _reason(self, reason: str) -> str:
        return self.say(*_REASONS[NotSent(reason)]) if reason in set(_REASONS) else plain(reason, NAME)

    def _sources(self) -> str:
        silent = self._digest.silent
        if not silent:
            return self.say("none is known to be silent.", "ninguna consta en silencio.")
        told = [f"{plain(one.source, NAME)} ({self._since(one.since)})" for one in silent[:20]]
        rest = len(silent) - len(told)
        if rest > 0:
            told.append(self.say(f"{rest} more", f"{rest} más"))
        return f"{self.say('silent', 'en silencio')}: {', '.join(told)}."

    def _since(self, moment: datetime) -> str:
        return f"{self.say('since', 'desde el')} {words.hour_of(moment, self.language, self._zone)}"

    def caution(self) -> str:
        """What does not follow from it."""
        if not self._total:
            return self.say(
                "No alert means only that no rule found anything in what was read.",
                "Sin alertas significa solo que ninguna regla halló nada en lo que se leyó.",
            )
        if any(notice.changed.alert.search is not None for notice in self._digest.notices):
            return self.say(
                "A missing entry is not evidence of wrongdoing: a register can be late or incomplete.",
                "La falta de anotación no prueba irregularidad: un registro puede tardar o estar incompleto.",
            )
        return self.say(
            "Told as the sources report it, which may be incomplete or corrected later.",
            "Según lo informan las fuentes, que pueden estar incompletas o corregirse después.",
        )

    def reference(self) -> str:
        """When it was put together."""
        moment = words.hour_of(self._digest.at, self.language, self._zone, year=True)
        return f"Almenara · {moment} ({words.zone_label(self._zone)})"

    def why_you(self, contact: str) -> str:
        """Why it came as one message."""
        who = plain(self._digest.subscriber, NAME)
        if self._digest.why == Held.QUIET_HOURS:
            text = self.say(
                f"Sent to {who}: all that waited for the end of quiet hours.",
                f"Para {who}: lo que esperó hasta el final de las horas de silencio.",
            )
        else:
            text = self.say(f"Sent to {who}: the digest they asked for.", f"Para {who}: el resumen que pidió.")
        more = self.say(f" An error? Write to {contact}.", f" ¿Un error? Escriba a {contact}.") if contact else ""
        return text + more

    def _day(self, moment: datetime, *, year: bool = True) -> str:
        return words.day_of(moment, self.language, self._zone, year=year)
