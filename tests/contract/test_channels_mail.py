"""Mail against a real server that answers, falls silent or breaks off at every step of the dialogue; and over TLS."""

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import pytest

from almenara.adapters.apprise import MailChannel, MailSettings
from almenara.adapters.sinks.smtp import Reply, SmtpSink
from almenara.ports.channel import Outcome, OutcomeKind
from certificates import certificate
from told import message

TO = "ana@example.org"
SHORT_S = 0.4
STEPS = ("connect", "ehlo", "mail", "rcpt", "command", "data")
NAMES = {"ehlo": "greeting", "mail": "sender", "rcpt": "recipient", "command": "data command"}
RETRY, NO, UNKNOWN = OutcomeKind.RETRY_AFTER, OutcomeKind.REJECTED_PERMANENT, OutcomeKind.UNKNOWN


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpSink]:
    with SmtpSink(tmp_path / "mail") as sink:
        yield sink


def channel(port: int, **more: object) -> MailChannel:
    given = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "Almenara <a@example.org>"}
    return MailChannel(MailSettings(**(given | {"timeout_s": 5.0} | more)))  # type: ignore[arg-type]


def tried(smtp: SmtpSink, *replies: Reply, **more: object) -> Outcome:
    smtp.reply_with(*replies)
    return channel(smtp.port, **more).send(message(), TO)


def told(step: str, line: str) -> list[Reply]:
    """The reply at a step; smtplib asks a second time, by HELO, when EHLO is refused."""
    return [Reply(line, at=step)] * (2 if step == "ehlo" else 1)


def where(step: str) -> str:
    return NAMES.get(step, step)


class TestAnswers:
    @pytest.mark.parametrize("step", STEPS)
    def test_a_451_is_tried_again_wherever_it_comes(self, smtp: SmtpSink, step: str) -> None:
        outcome = tried(smtp, *told(step, "451 4.3.0 not now"))
        assert (outcome.kind, outcome.detail) == (RETRY, f"smtp 451 at {where(step)}")
        assert outcome.down == (step in ("connect", "ehlo", "mail"))
        assert smtp.mails() == []

    @pytest.mark.parametrize("step", STEPS)
    def test_a_550_refuses_the_mail_once_the_mail_is_what_it_judges(self, smtp: SmtpSink, step: str) -> None:
        outcome = tried(smtp, *told(step, "550 5.7.1 no"))
        judged = step not in ("connect", "ehlo")
        assert (outcome.kind, outcome.detail) == (NO if judged else RETRY, f"smtp 550 at {where(step)}")
        assert (outcome.for_all, outcome.down) == (step == "mail", not judged)
        assert smtp.mails() == []

    @pytest.mark.parametrize("step", STEPS)
    def test_a_421_says_that_the_server_is_going(self, smtp: SmtpSink, step: str) -> None:
        outcome = tried(smtp, *told(step, "421 4.3.2 shutting down"))
        assert (outcome.kind, outcome.down) == (RETRY, True)

    @pytest.mark.parametrize("step", STEPS)
    def test_a_cut_is_unknown_only_when_the_server_may_have_the_mail(self, smtp: SmtpSink, step: str) -> None:
        outcome = tried(smtp, Reply(cut=True, at=step))
        assert (outcome.kind, outcome.down) == (UNKNOWN if step == "data" else RETRY, True)
        assert outcome.detail == f"smtp broke off (SMTPServerDisconnected) at {where(step)}"

    @pytest.mark.parametrize("step", STEPS)
    def test_a_silence_is_unknown_only_when_the_server_may_have_the_mail(self, smtp: SmtpSink, step: str) -> None:
        outcome = tried(smtp, Reply(delay_s=60, at=step), timeout_s=SHORT_S)
        assert (outcome.kind, outcome.down) == (UNKNOWN if step == "data" else RETRY, True)
        assert outcome.detail == f"smtp timed out at {where(step)}"
        assert len(smtp.mails()) == (step == "data")

    @pytest.mark.parametrize("step", STEPS)
    def test_what_is_only_slow_arrives_once(self, smtp: SmtpSink, step: str) -> None:
        outcome = tried(smtp, Reply(delay_s=0.2, at=step))
        assert outcome == Outcome(OutcomeKind.DELIVERED, "smtp 250")
        assert len(smtp.mails()) == 1

    def test_a_line_that_begins_with_a_dot_arrives_as_it_was(self, smtp: SmtpSink) -> None:
        channel(smtp.port).send(message(caution=".hidden", change="\n.\n.."), TO)
        mail = email.message_from_bytes(smtp.mails()[0].read_bytes(), policy=email.policy.default)
        text = mail.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
        assert ".hidden" in text.splitlines()
        assert mail.get_content_type() == "multipart/alternative"


class TestTls:
    @pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
    def test_a_certificate_that_is_trusted_and_has_the_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str, implicit: bool
    ) -> None:
        good = certificate(tmp_path / "good")
        monkeypatch.setenv("SSL_CERT_FILE", str(good.file))
        with SmtpSink(tmp_path / "mail", tls=good.server(), implicit=implicit) as smtp:
            assert channel(smtp.port, security=security).send(message(), TO).kind == OutcomeKind.DELIVERED
            assert len(smtp.mails()) == 1

    @pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
    @pytest.mark.parametrize("trusted", [False, True])
    def test_any_other_certificate_gets_no_mail_and_no_password(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str, implicit: bool, trusted: bool
    ) -> None:
        other = certificate(tmp_path / "other", names="DNS:elsewhere.example")
        if trusted:  # known, but for another name
            monkeypatch.setenv("SSL_CERT_FILE", str(other.file))
        with SmtpSink(tmp_path / "mail", tls=other.server(), implicit=implicit) as smtp:
            outcome = channel(smtp.port, security=security, user="u", password="p").send(message(), TO)
            assert outcome == Outcome(RETRY, "smtp broke off (SSLCertVerificationError) at connect", down=True)
            assert smtp.mails() == []


class TestUnsubscribe:
    def headers(self, smtp: SmtpSink, unsubscribe: str) -> list[str | None]:
        channel(smtp.port).send(message(unsubscribe=unsubscribe), TO)
        mail = email.message_from_bytes(smtp.mails()[-1].read_bytes(), policy=email.policy.default)
        return [mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]]

    def test_one_click(self, smtp: SmtpSink) -> None:
        url = "https://alerts.example.org/u/" + "k" * 300 + "?s=" + "%3D" * 60
        assert self.headers(smtp, url) == [f"<{url}>", "List-Unsubscribe=One-Click"]

    @pytest.mark.parametrize(
        "url",
        ["", "http://alerts.example.org/u", "https://a.example/>\r\nBcc: x@y", "https://a, https://b", "mailto:a@b"],
    )
    def test_nothing_else_gets_into_the_headers(self, smtp: SmtpSink, url: str) -> None:
        assert self.headers(smtp, url) == [None, None]
