"""What the pages say about each action, in English and Spanish: before it is done, on its button, and afterwards."""

from collections.abc import Mapping
from typing import Final

from almenara.console.links import Action
from almenara.console.words import Pair

NOTE: Final = 300
"""Characters of a note that are kept."""
NAME: Final = 80
"""Characters of a person's name."""

MISSING_NAME: Final = ("Please give your name: this link is shared.", "Escriba su nombre: este enlace es compartido.")
MISSING_TAKER: Final = (
    "Nobody of that name is told by Almenara; write a subscriber's name as Almenara has it, such as ana.",
    "Almenara no avisa a nadie con ese nombre; escriba el nombre que tiene en Almenara, por ejemplo ana.",
)
TAKER: Final = ("Who is to take it on (their name in Almenara)", "Quién se ocupará (su nombre en Almenara)")
MISSING_CHOICE: Final = ("Please choose one of the three.", "Elija una de las tres.")
TOO_LONG: Final = (f"The note is longer than {NOTE} characters.", f"La nota pasa de {NOTE} caracteres.")
NAME_TOO_LONG: Final = (f"The name is longer than {NAME} characters.", f"El nombre pasa de {NAME} caracteres.")
NO_REASON: Final = ("muted from a message", "silenciada desde un mensaje")
NOTES: Final[Mapping[Action, Pair]] = {
    Action.ACKNOWLEDGE: ("Note for everyone who is told (optional)", "Nota para todos los avisados (opcional)"),
    Action.JUDGE: ("Note for everyone who is told (optional)", "Nota para todos los avisados (opcional)"),
    Action.ASSIGN: ("Note for everyone who is told (optional)", "Nota para todos los avisados (opcional)"),
    Action.MUTE: ("Reason, kept with the silence (optional)", "Motivo, queda con el silencio (opcional)"),
}
NOTE_HINT: Final = (f"At most {NOTE} characters.", f"Hasta {NOTE} caracteres.")

UNCHECKED: Final = ("Could not be checked", "No se pudo comprobar")
CAUTIONS: Final[Mapping[str, Pair]] = {
    "retracted": (
        "Nothing follows from a retracted alert; please do not pass it on.",
        "De una alerta retirada nada se concluye; no la difunda.",
    ),
    "silent": (
        "A source that is silent says nothing about what it covers, in either direction.",
        "Una fuente en silencio no dice nada de lo que cubre, ni en un sentido ni en otro.",
    ),
    "unchecked": (
        "Not checked means not known: nobody has looked yet, and nothing follows from it.",
        "Sin comprobar significa que no se sabe: nadie ha mirado aún y nada se concluye de ello.",
    ),
    "absence": (
        "A missing entry is not evidence of wrongdoing: a register can be late, incomplete or not apply.",
        "La falta de anotación no prueba irregularidad: un registro puede tardar, estar incompleto o no aplicarse.",
    ),
    "told": (
        "Told as the sources report it, which may be incomplete or corrected later.",
        "Según lo informan las fuentes, que pueden estar incompletas o corregirse después.",
    ),
}
TITLES: Final[Mapping[Action, Pair]] = {
    Action.WHY: ("Why this alert", "Por qué esta alerta"),
    Action.ACKNOWLEDGE: ("Take this alert on", "Tomar a cargo esta alerta"),
    Action.JUDGE: ("Was this alert right?", "¿Era acertada esta alerta?"),
    Action.ASSIGN: ("Give this alert to somebody", "Asignar esta alerta"),
    Action.MUTE: ("Mute this alert for 7 days", "Silenciar esta alerta 7 días"),
    Action.UNSUBSCRIBE: ("End these messages", "Dejar de recibir estos mensajes"),
}
LINES: Final[Mapping[Action, tuple[Pair, ...]]] = {
    Action.ACKNOWLEDGE: (
        (
            "You say that you are looking into it. Everyone who was told of the alert is told that you are, and it is "
            "not escalated any further.",
            "Usted dice que se ocupa de ella. Se avisa a todos los que recibieron la alerta, y no se escala más.",
        ),
    ),
    Action.JUDGE: (
        (
            "Your judgement is kept with the alert and counts for how good its rule is. Everyone who was told of the "
            "alert is told of it.",
            "Su valoración queda con la alerta y cuenta para saber si la regla acierta. Se avisa a todos los que "
            "recibieron la alerta.",
        ),
    ),
    Action.ASSIGN: (
        (
            "Whoever you name is told at once, whatever their hours are; so is everyone who was told of the alert. "
            "While nobody acknowledges it, it is escalated all the same.",
            "Se avisa enseguida a quien usted nombre, sea cual sea su horario, y a todos los que recibieron la alerta. "
            "Mientras nadie la tome a cargo, se escala igualmente.",
        ),
    ),
    Action.MUTE: (
        (
            "Until {until} further news of this alert (more sources, more events) is held back from everyone, not only "
            "from you. Other alerts of the same rule are told as before.",
            "Hasta el {until} se retienen las novedades de esta alerta (más fuentes, más hechos) para todos, no solo "
            "para usted. Las demás alertas de la misma regla se avisan como antes.",
        ),
        (
            "That it is closed or retracted is told all the same. If it is still open when the silence ends, what was "
            "held back is told then.",
            "Si se cierra o se retira, se avisa igualmente. Si sigue abierta al terminar el silencio, entonces se "
            "informa lo retenido.",
        ),
    ),
    Action.UNSUBSCRIBE: (
        (
            "From now on nothing new is sent to {who} by {via}: no alerts, no news of earlier ones, no "
            "digests. Other channels stay as they are.",
            "Desde ahora no se envía nada nuevo a {who} por {via}: ni alertas, ni novedades de las "
            "anteriores, ni resúmenes. Los demás canales siguen igual.",
        ),
        (
            "What is on its way already may still arrive. You can resume on this page.",
            "Lo que ya está en camino puede llegar todavía. Puede volver a recibirlos desde esta página.",
        ),
    ),
}
TEAM_ENDS: Final[tuple[Pair, ...]] = (
    (
        "{who} is a team: from now on nothing new is sent to it by {via}, for everyone who reads there.",
        "{who} es un equipo: desde ahora no se le envía nada nuevo por {via}, para todos los que leen allí.",
    ),
    LINES[Action.UNSUBSCRIBE][1],
)
BUTTONS: Final[Mapping[Action, Pair]] = {
    Action.ACKNOWLEDGE: ("Acknowledge", "Tomar a cargo"),
    Action.JUDGE: ("Record my judgement", "Registrar mi valoración"),
    Action.ASSIGN: ("Assign", "Asignar"),
    Action.MUTE: ("Mute for 7 days", "Silenciar 7 días"),
    Action.UNSUBSCRIBE: ("End messages by {via}", "No recibir más por {via}"),
}
AFTER: Final[Mapping[Action, tuple[Pair, ...]]] = {
    Action.ASSIGN: (
        ("Recorded: the alert is assigned", "Registrado: la alerta está asignada"),
        (
            "They are told, and so is everyone who was told of the alert.",
            "Se avisa a esa persona y a todos los que recibieron la alerta.",
        ),
    ),
    Action.ACKNOWLEDGE: (
        ("Recorded: you have taken this alert on", "Registrado: usted la tomó a cargo"),
        (
            "Everyone who was told is told. If somebody else did so at the same moment, the first one counts.",
            "Se avisa a todos los que la recibieron. Si otra persona lo hizo en el mismo momento, cuenta la primera.",
        ),
    ),
    Action.JUDGE: (
        ("Recorded: your judgement", "Registrada: su valoración"),
        ("Thank you. Everyone who was told is told.", "Gracias. Se avisa a todos los que la recibieron."),
    ),
    Action.MUTE: (
        ("Recorded: this alert is muted", "Registrado: esta alerta está silenciada"),
        ("Until {until}; other alerts are told as before.", "Hasta el {until}; las demás se avisan como antes."),
    ),
    Action.UNSUBSCRIBE: (
        ("Recorded: these messages are ended", "Registrado: ya no recibirá estos mensajes"),
        ("Nothing new is sent to {who} by {via}.", "No se envía nada nuevo a {who} por {via}."),
    ),
}
RESUMED: Final[tuple[Pair, Pair]] = (
    ("Recorded: these messages are resumed", "Registrado: volverá a recibir estos mensajes"),
    ("Alerts are sent to {who} by {via} again.", "Se vuelve a enviar alertas a {who} por {via}."),
)
