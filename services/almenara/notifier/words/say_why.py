"""Why this reader is told, in words: their filter, their part in a team, or what is over that held the news back."""

from almenara.domain.notice import Notice, Told
from almenara.domain.text import plain
from almenara.notifier.words.reading import NAME
from almenara.notifier.words.telling import Telling


def why_you(notice: Notice, telling: Telling) -> str:
    """One sentence for the foot of a message."""
    who, ref = plain(notice.subscriber, NAME), plain(notice.ref, NAME)
    if notice.on_behalf:
        away = plain(notice.on_behalf, NAME)
        return telling.say(f"Sent to {who}, who stands in for {away}.", f"Para {who}, que suple a {away}.")
    if notice.why == Told.ESCALATED:
        return telling.say(f"Sent to {who}, called in for {ref}.", f"Para {who}, a quien se llama por {ref}.")
    if notice.why == Told.ASSIGNED:
        return telling.say(f"Sent to {who}, to whom it was given.", f"Para {who}, a quien se asignó.")
    if notice.filter_index >= 0:
        number = notice.filter_index + 1
        return telling.say(
            f"Sent to {who}: filter {number} of their list matches.", f"Para {who}: coincide su filtro {number}."
        )
    return telling.say(f"Sent to {who}, who was told of this alert.", f"Para {who}, a quien se avisó de esta alerta.")


def called_in(notice: Notice, telling: Telling) -> str:
    """What has to be said first when something other than the alert's own change led to the message; else empty."""
    ref = plain(notice.ref, NAME)
    since = telling.hour(telling.alert.raised_at)
    if notice.why == Told.ESCALATED:
        return telling.say(
            f"Escalated: nobody has taken it on since {since} ({telling.place}); {ref} calls you in.",
            f"Escalada: nadie la ha tomado a cargo desde el {since} ({telling.place}); {ref} le llama.",
        )
    if notice.why == Told.SILENCE_ENDED:
        return telling.say(
            "Told now because a silence that held it back has ended; it is still open.",
            "Se informa ahora porque terminó un silencio que la retenía; sigue abierta.",
        )
    if notice.why == Told.INHIBITION_ENDED:
        return telling.say(
            f"Told now because {ref}, which said it already, no longer holds it back; this one is still open.",
            f"Se informa ahora porque {ref}, que ya lo decía, dejó de retenerla; esta sigue abierta.",
        )
    return ""
