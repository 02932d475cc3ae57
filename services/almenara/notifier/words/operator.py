"""What the operator is told of channels: once for each refusal that has to be mended. Pure.

A refusal is a permanent no of the other side: an address that does not exist, a revoked token, an archived channel.
"""

from dataclasses import dataclass
from typing import Final

from almenara.domain.ids import content_id
from almenara.domain.message import Message, Paragraph
from almenara.domain.notice import OperatorNotice
from almenara.domain.text import plain
from almenara.notifier.words.vocabulary import LANGUAGES
from almenara.ports.queue import Refusal, Send
from almenara.ports.wire import encode

_LABELS: Final = {
    "en": ("Channel", "To", "Answer", "Cure"),
    "es": ("Canal", "Para", "Respuesta", "Remedio"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who runs this installation, and the way to them."""

    subscriber: str
    via: str
    address_hash: str
    language: str = "en"


def operator_send(operator: Operator, refusal: Refusal) -> Send:
    """The message to the operator about a refusal, to be queued beside it."""
    delivery = content_id("operator", refusal.destination, refusal.subscriber, refusal.cause, refusal.delivery)
    notice = OperatorNotice(
        delivery=delivery,
        subscriber=operator.subscriber,
        via=operator.via,
        address_hash=operator.address_hash,
        language=operator.language,
        destination=refusal.destination,
        to=refusal.subscriber,
        cause=refusal.cause,
        at=refusal.at,
        refused=refusal.delivery,
    )
    return Send(delivery, f"operator/{delivery}", "", refusal.at, encode(notice), operator.via)


def compose_operator(notice: OperatorNotice, *, possible_duplicate: bool = False) -> Message:
    """The message of an operator's notice, or of the end of a silence to its author."""
    if notice.about == "silence":
        return _silence(notice, possible_duplicate=possible_duplicate)
    language = notice.language if notice.language in LANGUAGES else "en"
    spanish = language == "es"
    everyone = "todos los que lo usan" if spanish else "everyone who is told by it"
    to = notice.to or everyone
    word = "OPERADOR" if spanish else "OPERATOR"
    what = f"{notice.destination} rechaza lo que se envía a {to}" if spanish else f"{notice.destination} refuses {to}"
    cure = (
        "Corrija la dirección, el token o el canal, y pruébelo: almenara channels test. Lo rechazado no se reenvía."
        if spanish
        else "Mend the address, the token or the channel, and try it: almenara channels test. What was refused is not "
        "sent again."
    )
    texts = (notice.destination, to, notice.cause, cure)
    paragraphs = tuple(Paragraph(label=label, text=text) for label, text in zip(_LABELS[language], texts, strict=True))
    return Message(
        id=notice.delivery,
        thread=notice.delivery,
        language=language,
        level="informational",
        level_word=word,
        dot="⚪",
        country="",
        headline=f"⚪ {word} · {what}",
        paragraphs=paragraphs,
        caution=(
            "Se avisa una sola vez de cada causa, hasta que un envío vuelva a llegar."
            if spanish
            else "Told once for each cause, until something gets through again."
        ),
        reference=notice.refused,
        why_you=f"Para {notice.subscriber}: operator en almenara.yaml."
        if spanish
        else f"Sent to {notice.subscriber}: `operator` in almenara.yaml.",
        mark=_mark(language) if possible_duplicate else "",
    )


def _silence(notice: OperatorNotice, *, possible_duplicate: bool) -> Message:
    language = notice.language if notice.language in LANGUAGES else "en"
    spanish = language == "es"
    ends = notice.destination[:16].replace("T", " ")
    what = f"Un silencio termina el {ends} UTC" if spanish else f"A silence ends at {ends} UTC"
    cure = (
        f"Lo retenido que siga abierto se informará entonces. Para verlo: almenara silences preview {notice.refused}"
        if spanish
        else f"What it holds back and is open then will be told. To see it: almenara silences preview {notice.refused}"
    )
    labels = ("Motivo", "Qué pasará") if spanish else ("Reason", "What happens")
    return Message(
        id=notice.delivery,
        thread=notice.delivery,
        language=language,
        level="informational",
        level_word="SILENCIO" if spanish else "SILENCE",
        dot="⚪",
        country="",
        headline=f"⚪ {'SILENCIO' if spanish else 'SILENCE'} · {what}",
        paragraphs=(
            Paragraph(label=labels[0], text=plain(notice.cause, 300) or "-"),
            Paragraph(label=labels[1], text=cure),
        ),
        caution=(
            "Nada se oculta sin constancia: cada retención consta en el registro."
            if spanish
            else "Nothing is hidden without a record: each thing that was held back is on it."
        ),
        reference=notice.refused,
        why_you=f"Para {notice.subscriber}." if spanish else f"Sent to {notice.subscriber}.",
        mark=_mark(language) if possible_duplicate else "",
    )


def _mark(language: str) -> str:
    return "POSIBLE DUPLICADO" if language == "es" else "POSSIBLE DUPLICATE"
