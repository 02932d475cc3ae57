"""Messages that say they are a test: of a channel, or of what an alert looks like there. Pure; about nobody real."""

from typing import Final

from almenara.domain.message import Message, Paragraph

_MARKS: Final = {
    "en": "TEST: this is a test; nothing has happened.",
    "es": "TEST (prueba): esto es una prueba; no ha ocurrido nada.",
}
_CHANNEL: Final = {
    "en": "TEST · This channel works; nothing has happened",
    "es": "TEST · Este canal funciona; no ha ocurrido nada",
}
_ALERT: Final = {
    "en": "TEST · Almoria · No register entry found for a reported meeting: Official A – Contact B, 3 Mar",
    "es": "TEST · Almoria · Sin registro hallado de una reunión informada: Funcionario A – Contacto B, 3 mar",
}
_WHY: Final = {
    "en": "Sent to {who} because somebody ran a test.",
    "es": "Para {who}, porque alguien hizo una prueba.",
}
_PARAGRAPHS: Final = {
    "en": (
        Paragraph(label="Reported", text="Official A met Contact B. Both are made up, and so is Almoria."),
        Paragraph(label="Checked", text="No entry for the two in the register of visits, last read a moment ago."),
    ),
    "es": (
        Paragraph(label="Se informa", text="El Funcionario A se reunió con el Contacto B. Son inventados, y Almoria."),
        Paragraph(
            label="Se buscó", text="Ninguna anotación de ambos en el registro de visitas, leído hace un momento."
        ),
    ),
}
_CAUTION: Final = {
    "en": "A missing entry is not evidence of wrongdoing. Nothing of this has happened.",
    "es": "La falta de anotación no prueba irregularidad. Nada de esto ha ocurrido.",
}


def rehearsal(delivery: str, who: str, language: str, *, alert: bool) -> Message:
    """A test message for somebody: short, or as long as an alert is. `delivery` is its id."""
    language = language if language in _MARKS else "en"
    return Message(
        id=delivery,
        thread=delivery,
        language=language,
        level="informational",
        level_word="",  # a subject would drop it, and TEST must stand there
        dot="⚪",
        country="Almoria" if alert else "",
        headline=f"⚪ {(_ALERT if alert else _CHANNEL)[language]}",
        paragraphs=_PARAGRAPHS[language] if alert else (),
        caution=_CAUTION[language] if alert else "",
        reference="TEST",
        why_you=_WHY[language].format(who=who),
        mark=_MARKS[language],
    )
