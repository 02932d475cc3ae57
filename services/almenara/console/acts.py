"""What each action of a link says before it is done, what it records, and what it says afterwards. Pure.

Knows nothing of HTTP or HTML; every text of a person or an event is made plain here and escaped by the templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from almenara.console import texts, words
from almenara.console.links import Action, LinkTo
from almenara.console.words import Voice
from almenara.domain.alert import OVER, Change, State
from almenara.domain.audience import Subscriber
from almenara.domain.event import ACKNOWLEDGE, ASSIGN, JUDGE, RESUBSCRIBE, SILENCE, UNSUBSCRIBE
from almenara.domain.text import plain
from almenara.ports.commands import Command
from almenara.ports.query import AlertView, Done

NOTE: Final = texts.NOTE
NAME: Final = texts.NAME
SILENCE_ID: Final = 10
"""As much of the id as people have to type who end the silence before its time."""
MUTE_FOR: Final = timedelta(days=7)
TYPES: Final[Mapping[Action, str]] = {
    Action.ACKNOWLEDGE: ACKNOWLEDGE,
    Action.JUDGE: JUDGE,
    Action.ASSIGN: ASSIGN,
    Action.MUTE: SILENCE,
    Action.UNSUBSCRIBE: UNSUBSCRIBE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person sent with the button; texts as they came."""

    judgement: str = ""
    note: str = ""
    name: str = ""
    to: str = ""
    resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who holds the link, and how they are spoken to."""

    link: LinkTo
    who: Subscriber

    @property
    def voice(self) -> Voice:
        """Their language and zone."""
        return words.voice_of(self.who.language, self.who.time_zone)

    def by(self, name: str) -> str:
        """Who is recorded: the person's id; for a team the name that was given, and the team."""
        return f"{plain(name, NAME)} ({self.who.id})" if self.who.team else self.who.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page: a title, what it says, and a button with its fields. Without a `button` there is nothing to press."""

    title: str
    lines: tuple[str, ...]
    button: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    note: str = ""
    hint: str = ""
    name: str = ""
    taker: str = ""
    resume: bool = False
    done: bool = False
    error: str = ""
    asked: Asked = field(default_factory=Asked)


def sheet_of(reader: Reader, view: AlertView | None, done: Done | None, now: datetime) -> Sheet:
    """The page before anything is done: what the button would do; or why there is none (used already, closed)."""
    action, say = reader.link.action, reader.voice.say
    if done is not None:
        return used(reader, done)
    if view is not None and (idle := _idle(reader, view)):
        return Sheet(title=say(texts.TITLES[action]), lines=(idle,))
    until = reader.voice.when(now + MUTE_FOR)
    channel = {"who": reader.who.id, "via": reader.link.via, "until": until}
    pairs = texts.TEAM_ENDS if action == Action.UNSUBSCRIBE and reader.who.team else texts.LINES[action]
    return Sheet(
        title=say(texts.TITLES[action]),
        lines=tuple(say(pair).format(**channel) for pair in pairs),
        button=say(texts.BUTTONS[action]).format(**channel),
        choices=_choices(reader.voice) if action == Action.JUDGE else (),
        note=say(texts.NOTES.get(action, ("", ""))),
        hint=say(texts.NOTE_HINT),
        name=_name_label(reader),
        taker=say(texts.TAKER) if action == Action.ASSIGN else "",
    )  # fmt: skip


def fault_in(reader: Reader, asked: Asked, *, known: bool) -> str:
    """What is wrong with what was sent, in words; empty when nothing is. `known`: whoever is named is a subscriber."""
    say = reader.voice.say
    if reader.who.team and not plain(asked.name):
        return say(texts.MISSING_NAME)
    if len(asked.name) > NAME:
        return say(texts.NAME_TOO_LONG)
    if len(asked.note) > NOTE:
        return say(texts.TOO_LONG)
    if reader.link.action == Action.JUDGE and asked.judgement not in words.JUDGEMENTS:
        return say(texts.MISSING_CHOICE)
    return say(texts.MISSING_TAKER) if reader.link.action == Action.ASSIGN and not known else ""


def command_of(reader: Reader, asked: Asked, view: AlertView | None, now: datetime) -> Command:
    """The command to record. Its id follows from the link: whatever is sent again, the log drops it."""
    link, action = reader.link, reader.link.action
    by, note = reader.by(asked.name), plain(asked.note, NOTE)
    alert = view.alert if view is not None else None
    if alert is None:
        type_ = RESUBSCRIBE if asked.resume else UNSUBSCRIBE
        return Command(type=type_, id=link.id, data={"subscriber": link.subscriber, "via": link.via, "by": by})
    if action == Action.MUTE:
        until = (now + MUTE_FOR).astimezone(UTC).replace(microsecond=0)
        reason = note or reader.voice.say(texts.NO_REASON)
        data = {
            "silence": link.id[:SILENCE_ID],
            "until": until.isoformat(),
            "by": by,
            "reason": reason,
            "alert": link.alert,
        }
        return Command(type=SILENCE, id=link.id, data=data)
    about: dict[str, Any] = {"alert": link.alert, "by": by, "note": note}
    if action == Action.JUDGE:
        about["judgement"] = asked.judgement
    elif action == Action.ASSIGN:
        about["to"] = asked.to
    return Command(type=TYPES[action], id=link.id, data=about, alert=alert)


def recorded(reader: Reader, asked: Asked, now: datetime) -> Sheet:
    """The page after it was recorded."""
    say, action = reader.voice.say, reader.link.action
    channel = {"who": reader.who.id, "via": reader.link.via, "until": reader.voice.when(now + MUTE_FOR)}
    if asked.resume:
        return Sheet(title=say(texts.RESUMED[0]), lines=(say(texts.RESUMED[1]).format(**channel),), done=True)
    title, *lines = texts.AFTER[action]
    told = tuple(say(pair).format(**channel) for pair in lines)
    if action == Action.UNSUBSCRIBE:
        return _with_resume(reader, Sheet(title=say(title), lines=told, done=True))
    return Sheet(title=say(title), lines=told, done=True)


def again(sheet: Sheet, asked: Asked, fault: str) -> Sheet:
    """The same page with what was filled in, and what is wrong with it."""
    return replace(sheet, asked=asked, error=fault)


def used(reader: Reader, done: Done) -> Sheet:
    """The page of a link by which this was done already: when, and by whom."""
    voice = reader.voice
    when, by = voice.when(done.at), plain(done.by, NAME * 2)
    said = voice.say(
        (f"This was done already by this link: {when}, by {by}. A link works once; nothing was recorded again.",
         f"Ya se hizo con este enlace: {when}, por {by}. Cada enlace sirve una vez; no se registró nada más.")
    )  # fmt: skip
    return Sheet(title=voice.say(texts.TITLES[reader.link.action]), lines=(said,))


def ended(reader: Reader, done: Done) -> Sheet:
    """The page of a subscription that is ended: since when, and a button that resumes it."""
    voice = reader.voice
    when, by = voice.when(done.at), plain(done.by, NAME * 2)
    said = voice.say(
        (f"Messages to {reader.who.id} by {reader.link.via} were ended: {when}, by {by}.",
         f"Se dejó de enviar mensajes a {reader.who.id} por {reader.link.via}: {when}, por {by}.")
    )  # fmt: skip
    return _with_resume(reader, Sheet(title=voice.say(texts.TITLES[Action.UNSUBSCRIBE]), lines=(said,)))


def _with_resume(reader: Reader, sheet: Sheet) -> Sheet:
    button = reader.voice.say(("Resume the messages", "Volver a recibirlos"))
    return replace(sheet, button=button, name=_name_label(reader), resume=True)


def _idle(reader: Reader, view: AlertView) -> str:
    """Why nothing is left to do about the alert, in words; empty when something is."""
    voice, alert, action = reader.voice, view.alert, reader.link.action
    if alert.state in OVER and action != Action.JUDGE:
        state = voice.word(words.STATES, alert.state)
        return voice.say((f"Nothing to do: the alert is {state}.", f"No hay nada que hacer: la alerta está {state}."))
    if alert.state == State.ACKNOWLEDGED and action == Action.ACKNOWLEDGE:
        first = next((one for one in reversed(view.changes) if one.change == Change.ACKNOWLEDGED), view.changes[-1])
        by, when = plain(first.by, NAME * 2), voice.when(first.at)
        return voice.say(
            (f"{by} has taken it on already: {when}. The first one counts; nothing more is needed.",
             f"{by} ya la tomó a cargo: {when}. Cuenta la primera persona; no hace falta nada más.")
        )  # fmt: skip
    return ""


def _choices(voice: Voice) -> tuple[tuple[str, str], ...]:
    return tuple((value, voice.say(pair)) for value, pair in words.JUDGEMENTS.items())


def _name_label(reader: Reader) -> str:
    if not reader.who.team:
        return ""
    return reader.voice.say(
        (f"Your name (this link is shared by {reader.who.id})", f"Su nombre (este enlace lo comparte {reader.who.id})")
    )
