"""Mail: Apprise's e-mail plugin with the answer of the server kept, exactly one Message-ID, and our own two parts.

Knows SMTP and nothing of alerts. A fresh plugin per delivery; nothing is parsed from URLs.
"""

import re
import smtplib
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Final, Literal

from apprise.exception import AppriseException
from apprise.plugins.email import NotifyEmail
from apprise.plugins.email.smtp import AppriseSMTPController, SMTPSecureMode

from almenara.adapters.apprise.letter import letter
from almenara.adapters.apprise.outcome import smtp_outcome
from almenara.adapters.apprise.quiet import asset, hush
from almenara.domain.message import Message
from almenara.ports.channel import Outcome, OutcomeKind

_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", re.ASCII
)
_GO_ON: Final = 354
_LINE_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
_MODES: Final = {
    "none": SMTPSecureMode.INSECURE,
    "starttls": SMTPSecureMode.STARTTLS,
    "tls": SMTPSecureMode.SSL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The mail server. `sender` is an address with or without a name.

    `timeout_s` (seconds) holds for each step, and for all the steps before the data together.
    """

    host: str
    port: int
    sender: str
    security: Literal["none", "starttls", "tls"] = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 20.0


class MailChannel:
    """Sends a message to a mail address."""

    def __init__(self, settings: MailSettings) -> None:
        hush()
        self._settings = settings

    def __repr__(self) -> str:
        return f"MailChannel({self._settings.host}:{self._settings.port})"

    def send(self, message: Message, address: str) -> Outcome:
        """Tries once. 2xx is delivered, 4xx again later, 5xx refused; a silence after the data is unknown."""
        if not _ADDRESS.fullmatch(address) or len(address) > 254:
            return Outcome(OutcomeKind.REJECTED_PERMANENT, "not a mail address")
        try:
            mail = letter(message, self._settings.sender, address)
            plugin = OutcomePlugin(self._settings, mail, address)
        except (AppriseException, TypeError, ValueError):
            # no cause is kept: it may quote the sender, the server or a password
            return Outcome(OutcomeKind.RETRY_AFTER, "the mail settings are not usable", down=True)
        plugin.send(body="")
        return plugin.outcome


class OutcomePlugin(NotifyEmail):  # type: ignore[no-untyped-call]
    """Apprise's e-mail plugin, sending one finished mail to one recipient and keeping what came of it."""

    request_rate_per_sec = 0  # the pace is the notifier's to keep

    def __init__(self, settings: MailSettings, mail: EmailMessage, recipient: str) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            smtp_host=settings.host,
            host=settings.host,
            port=settings.port,
            secure=settings.security != "none",
            secure_mode=_MODES[settings.security],
            from_addr=parseaddr(settings.sender)[1],
            targets=[recipient],
            asset=asset(),
        )
        self.outcome = Outcome(OutcomeKind.RETRY_AFTER, "not attempted")
        # user and password stay out of the constructor: it would read percent signs in them as those of a URL
        self._settings, self._mail, self._recipient = settings, mail, recipient
        self._until = time.monotonic() + settings.timeout_s

    def __str__(self) -> str:
        return "OutcomePlugin(mail)"

    def send(self, body: str, *args: Any, **kwargs: Any) -> bool:
        """One attempt; `outcome` says what came of it. True when it was delivered."""
        settings = self._settings
        smtp = Submission(
            host=self.smtp_host,
            port=settings.port,
            secure_mode=_MODES[settings.security],
            user=settings.user or None,
            password=settings.password or None,
            verify_certificate=self.verify_certificate,
            socket_connect_timeout=settings.timeout_s,  # type: ignore[arg-type]  # seconds, fractions too
        )
        try:
            with smtp:
                self.outcome = smtp.submit(
                    str(self.from_addr[1]), self._recipient, self._mail.as_bytes(), until=self._until
                )
        except smtplib.SMTPResponseException as error:
            # an answer that stopped the dialogue is never a success, whatever its number
            code = error.smtp_code if error.smtp_code >= 400 else 0
            self.outcome = smtp_outcome(code, smtp.stage)
        except (OSError, smtplib.SMTPException, RuntimeError, ValueError, AppriseException) as error:
            self.outcome = _broken(error, smtp.stage)
        return self.outcome.kind == OutcomeKind.DELIVERED


class Submission(AppriseSMTPController):
    """Apprise's SMTP connection (TLS, login), with the stage that was reached and the server's own reply codes."""

    stage = "connect"

    def submit(self, sender: str, recipient: str, mail: bytes, *, until: float) -> Outcome:
        """Hands one mail over. Raises what smtplib raises; `stage` says how far it got.

        Nothing is handed over after `until` (monotonic seconds): a process that slept here may have been given up,
        and another one sent the mail.
        """
        smtp: smtplib.SMTP = self._socket  # type: ignore[assignment]  # set on entering
        self.stage = "greeting"
        smtp.ehlo_or_helo_if_needed()
        self.stage = "sender"
        code, said = smtp.mail(sender)
        if code != 250:
            return smtp_outcome(code, self.stage, said)
        self.stage = "recipient"
        code, said = smtp.rcpt(recipient)
        if code not in (250, 251):
            return smtp_outcome(code, self.stage, said)
        if time.monotonic() > until:
            return Outcome(OutcomeKind.RETRY_AFTER, "smtp took too long before data", down=True)
        self.stage = "data command"
        code, said = smtp.docmd("data")
        if code != _GO_ON:
            return smtp_outcome(code, self.stage, said)
        # In two steps, not by smtplib's `data`: only from here on may the other side have the mail.
        self.stage = "data"
        smtp.send(_LINE_DOT.sub(b"..", mail).removesuffix(b"\r\n") + b"\r\n.\r\n")
        code, said = smtp.getreply()
        return smtp_outcome(code, self.stage, said)


def _broken(error: Exception, stage: str) -> Outcome:
    """A connection that failed or fell silent: before the data nothing was sent; from there on nobody knows."""
    # smtplib tells a silence while it reads an answer as a disconnection, and keeps the timeout as its context
    silent = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
    how = "timed out" if silent else f"broke off ({type(error).__name__})"
    kind = OutcomeKind.UNKNOWN if stage == "data" else OutcomeKind.RETRY_AFTER
    return Outcome(kind, f"smtp {how} at {stage}", down=True)
