"""The channels against real servers: every answer has its outcome, mails thread, and no secret gets out."""

import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from almenara.adapters.apprise import MailChannel, MailSettings, SlackChannel, SlackSettings, SlackWebhook
from almenara.adapters.sinks.slack import Answer, SlackSink
from almenara.adapters.sinks.smtp import Reply, SmtpSink
from almenara.domain.message import Paragraph
from almenara.notifier.words.compose import compose
from almenara.ports.channel import Outcome, OutcomeKind
from told import absence, message, notice

SHORT_S = 0.4  # the channels' own time limit; the slow server outlasts it by far
TO = "ana@example.org"


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpSink]:
    with SmtpSink(tmp_path / "mail") as sink:
        yield sink


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[SlackSink]:
    with SlackSink(tmp_path / "slack") as sink:
        yield sink


def mail_channel(port: int, **more) -> MailChannel:
    given = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "Almenara <alerts@example.org>"}
    return MailChannel(MailSettings(**(given | {"timeout_s": 5.0} | more)))


def read(sink: SmtpSink) -> EmailMessage:
    """The last mail that the server kept."""
    raw = sink.mails()[-1].read_bytes()
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class TestMail:
    @pytest.mark.parametrize(
        ("reply", "kind", "detail"),
        [
            (Reply("250 2.0.0 Ok: queued as 4F3A"), OutcomeKind.DELIVERED, "smtp 250"),
            (Reply("451 4.3.0 try later"), OutcomeKind.RETRY_AFTER, "smtp 451 at data"),
            (Reply("550 5.7.1 refused"), OutcomeKind.REJECTED_PERMANENT, "smtp 550 at data"),
            (Reply("450 4.2.1 greylisted", at="rcpt"), OutcomeKind.RETRY_AFTER, "smtp 450 at recipient"),
            (Reply("550 5.1.1 no such user", at="rcpt"), OutcomeKind.REJECTED_PERMANENT, "smtp 550 at recipient"),
            (Reply(cut=True), OutcomeKind.UNKNOWN, "smtp broke off (SMTPServerDisconnected) at data"),
            (
                Reply(cut=True, at="rcpt"),
                OutcomeKind.RETRY_AFTER,
                "smtp broke off (SMTPServerDisconnected) at recipient",
            ),
        ],
    )
    def test_each_answer_has_its_outcome(self, smtp, reply, kind, detail):
        smtp.reply_with(reply)
        outcome = mail_channel(smtp.port).send(message(), TO)
        assert (outcome.kind, outcome.detail) == (kind, detail)

    @pytest.mark.parametrize(("at", "kind"), [("data", OutcomeKind.UNKNOWN), ("rcpt", OutcomeKind.RETRY_AFTER)])
    def test_a_silence_is_unknown_once_the_mail_is_out(self, smtp, at, kind):
        smtp.reply_with(Reply(delay_s=60, at=at))
        outcome = mail_channel(smtp.port, timeout_s=SHORT_S).send(message(), TO)
        assert outcome.kind == kind
        assert "timed out" in outcome.detail

    def test_a_mail_that_timed_out_may_have_arrived(self, smtp):
        smtp.reply_with(Reply(delay_s=60))
        mail_channel(smtp.port, timeout_s=SHORT_S).send(message(), TO)
        assert len(smtp.mails()) == 1

    def test_nobody_there(self):
        outcome = mail_channel(free_port()).send(message(), TO)
        assert outcome == Outcome(
            OutcomeKind.RETRY_AFTER, "smtp broke off (ConnectionRefusedError) at connect", down=True
        )

    def test_the_receipt_is_the_servers_own_id(self, smtp):
        smtp.reply_with(Reply("250 2.0.0 Ok: queued as 4F3A"))
        assert mail_channel(smtp.port).send(message(), TO).receipt == "4F3A"

    def test_a_server_without_tls_gets_nothing_when_tls_is_asked_for(self, smtp):
        outcome = mail_channel(smtp.port, security="starttls").send(message(), TO)
        assert outcome.kind == OutcomeKind.RETRY_AFTER
        assert smtp.mails() == []

    def test_a_login_that_fails_is_ours_to_mend(self, smtp):
        outcome = mail_channel(smtp.port, user="u", password="p").send(message(), TO)
        assert outcome.kind == OutcomeKind.RETRY_AFTER

    @pytest.mark.parametrize(
        "address",
        [
            "",
            "ana",
            "a@b, c@d",
            "a@b\r\nBcc: c@d",
            "Ana <a@example.org>",
            "a@example.org?cc=c@example.org",
            "a" * 65 + "@example.org",
            "á@example.org",
        ],
    )
    def test_what_is_no_address_is_never_sent_to(self, smtp, address):
        assert mail_channel(smtp.port).send(message(), address).kind == OutcomeKind.REJECTED_PERMANENT
        assert smtp.mails() == []

    def test_headers_of_a_first_mail(self, smtp):
        mail_channel(smtp.port).send(message(), TO)
        mail = read(smtp)
        assert mail.get_all("Message-ID") == ["<dlv1@almenara.example.org>"]
        assert mail["References"] is None
        assert mail["In-Reply-To"] is None
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["From"] == "Almenara <alerts@example.org>"
        assert mail["To"] == TO
        assert mail["Subject"] == ("[Almenara] Almoria · No register entry found: Official A – Contact B, 3 Mar 2030")
        for name in ("Subject", "Date", "From", "To", "MIME-Version"):
            assert len(mail.get_all(name)) == 1

    def test_a_later_mail_joins_the_thread(self, smtp):
        mail_channel(smtp.port).send(message(id="dlv2", thread="dlv1"), TO)
        mail = read(smtp)
        assert mail.get_all("Message-ID") == ["<dlv2@almenara.example.org>"]
        assert mail["References"] == mail["In-Reply-To"] == "<dlv1@almenara.example.org>"

    def test_the_same_delivery_has_the_same_id_twice(self, smtp):
        for _ in range(2):
            mail_channel(smtp.port).send(message(), TO)
        assert len({mail.read_bytes().split(b"Message-ID:")[1].split(b"\r\n")[0] for mail in smtp.mails()}) == 1

    def test_a_closed_alert_says_so_in_the_subject(self, smtp):
        headline = "⚪ CLOSED, registered late · Almoria · Entry now found: A – B"
        mail_channel(smtp.port).send(message(headline=headline, dot="⚪"), TO)
        assert read(smtp)["Subject"] == "[Almenara] CLOSED, registered late · Almoria · Entry now found: A – B"

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_the_plain_text_says_all_that_the_html_says(self, smtp, language):
        told = compose(notice(absence(), language=language), contact="editor@example.org", possible_duplicate=True)
        mail_channel(smtp.port).send(told, TO)
        text, html = (read(smtp).get_body((kind,)).get_content() for kind in ("plain", "html"))
        assert read(smtp).get_content_type() == "multipart/alternative"
        flat = " ".join(text.split())
        assert told.headline in flat
        headline = told.headline.removeprefix(f"{told.dot} ")  # the page draws the dot
        for part in (told.mark, headline, told.caution, told.reference, told.why_you):
            assert part in flat
            assert part in html
        for paragraph in told.paragraphs:
            assert f"{paragraph.label}: {paragraph.text}" in flat
        assert max(len(line) for line in text.splitlines()) <= 76

    def test_a_quote_has_its_language_and_nothing_is_remote(self, smtp):
        mail_channel(smtp.port).send(message(), TO)
        html = read(smtp).get_body(("html",)).get_content()
        assert '<blockquote lang="es">' in html
        assert not [word for word in ("http:", "https:", "<img", "<script", "<link", "url(", "src=") if word in html]

    def test_a_sender_without_sense_sends_nothing(self, smtp):
        outcome = mail_channel(smtp.port, sender="nobody").send(message(), TO)
        assert outcome == Outcome(OutcomeKind.RETRY_AFTER, "the mail settings are not usable", down=True)


class TestSlack:
    @pytest.mark.parametrize(
        ("answer", "kind", "detail"),
        [
            (Answer(), OutcomeKind.DELIVERED, "slack 200"),
            (Answer(429, "rate_limited", {"Retry-After": "7"}), OutcomeKind.RETRY_AFTER, "slack 429 rate_limited"),
            (Answer(400, "invalid_token"), OutcomeKind.REJECTED_PERMANENT, "slack 400 invalid_token"),
            (Answer(410, "channel_is_archived"), OutcomeKind.REJECTED_PERMANENT, "slack 410 channel_is_archived"),
            (Answer(404, "no_service"), OutcomeKind.REJECTED_PERMANENT, "slack 404 no_service"),
            (Answer(500, "rollup_error"), OutcomeKind.UNKNOWN, "slack 500 rollup_error"),
            (Answer(503, "<html>OK</html>"), OutcomeKind.RETRY_AFTER, "slack 503"),
            (Answer(200, '{"ok":false,"error":"OK"}'), OutcomeKind.UNKNOWN, "slack 200"),
            (Answer(403, "OK"), OutcomeKind.REJECTED_PERMANENT, "slack 403"),
            (Answer(500, "ok"), OutcomeKind.UNKNOWN, "slack 500"),
            (Answer(cut=True), OutcomeKind.UNKNOWN, "slack broke off (ConnectionError)"),
        ],
    )
    def test_each_answer_has_its_outcome(self, slack, answer, kind, detail):
        slack.answer_with(answer)
        outcome = SlackChannel().send(message(), slack.url())
        assert (outcome.kind, outcome.detail) == (kind, detail)
        assert slack.requests == 1

    @pytest.mark.parametrize(
        ("value", "wait"), [("7", 7.0), ("1e9", None), ("soon", None), ("999999999", 86_400.0), ("-3", None)]
    )
    def test_the_wait_that_slack_asks_for(self, slack, value, wait):
        slack.answer_with(Answer(429, "rate_limited", {"Retry-After": value}))
        assert SlackChannel().send(message(), slack.url()).retry_after_s == wait

    def test_a_silence_is_unknown_for_the_post_may_be_there(self, slack):
        slack.answer_with(Answer(delay_s=60))
        outcome = SlackChannel(SlackSettings(timeout_s=SHORT_S)).send(message(), slack.url())
        assert outcome == Outcome(OutcomeKind.UNKNOWN, "slack timed out", down=True)
        assert len(slack.posts()) == 1

    def test_nobody_there(self):
        outcome = SlackChannel().send(message(), f"http://127.0.0.1:{free_port()}/services/T1/B1/c1")
        assert outcome == Outcome(OutcomeKind.RETRY_AFTER, "slack not reached, broke off (ConnectionError)", down=True)

    def test_a_redirect_is_not_followed(self, slack):
        slack.answer_with(Answer(302, "", {"Location": slack.url("OTHER")}))
        assert SlackChannel().send(message(), slack.url()).kind == OutcomeKind.REJECTED_PERMANENT
        assert slack.requests == 1

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "https://evil.example/services/T1/B1/c1",
            "http://hooks.slack.com/services/T1/B1/c1",
            "https://hooks.slack.com.evil.example/services/T1/B1/c1",
            "https://u:p@hooks.slack.com/services/T1/B1/c1",
            "https://hooks.slack.com/services/T1/B1",
            "https://hooks.slack.com/services/T1/B1/c1?template=/etc/passwd",
            "https://hooks.slack.com/services/T1/B1/c1\n",
            "slack://T1/B1/c1",
            "https://hooks.slack.com:99999/services/T1/B1/c1",
        ],
    )
    def test_only_slack_and_this_machine_are_reached(self, url):
        assert SlackChannel().send(message(), url).kind == OutcomeKind.REJECTED_PERMANENT

    def test_the_real_host(self):
        found = SlackWebhook.of("https://hooks.slack.com/services/T0/B0/abc")
        assert found is not None
        assert (found.base, found.local) == ("https://hooks.slack.com/services", False)

    def test_the_payload(self, slack):
        told = compose(notice(absence(), language="es"), possible_duplicate=True)
        SlackChannel().send(told, slack.url())
        post = slack.posts()[0]["payload"]
        assert post["text"] == f"{told.mark} {told.headline}"
        assert [block["type"] for block in post["blocks"]][:2] == ["section", "header"]
        assert post["blocks"][1]["text"]["text"] == told.headline
        last = [block["elements"][0]["text"] for block in post["blocks"] if block["type"] == "context"]
        assert last == [told.caution, f"{told.reference} · {told.why_you}"]

    def test_limits_of_slack(self, slack):
        many = tuple(Paragraph(label="L", text=f"Sentence {i}. " * 600) for i in range(80))
        SlackChannel().send(message(headline="🟠 HIGH · " + "word " * 100, paragraphs=many), slack.url())
        post = slack.posts()[0]["payload"]
        sections = [block["text"]["text"] for block in post["blocks"] if block["type"] == "section"]
        assert len(post["blocks"]) == 50
        assert len(next(b for b in post["blocks"] if b["type"] == "header")["text"]["text"]) <= 150
        assert all(len(text) <= 3_000 for text in sections)
        assert sections[0].startswith("🟠 HIGH · word word")  # the header was cut, the claim was not
        assert len(sections[0]) > 400
        assert sections[1].endswith(".…")  # cut where a sentence ends


CANARIES = ("CANARYTEAM7", "CANARYBOT7", "canarytoken7", "canary-password-7", "canary7@example.org")


class TestSecrets:
    @pytest.mark.parametrize(
        "answer", [Answer(), Answer(400, "invalid_token"), Answer(cut=True), Answer(delay_s=60), Answer(302)]
    )
    def test_of_slack_get_nowhere(self, slack, caplog, capfd, answer):
        caplog.set_level(1)
        slack.answer_with(answer)
        channel = SlackChannel(SlackSettings(timeout_s=SHORT_S))
        url = f"http://127.0.0.1:{slack.port}/services/CANARYTEAM7/CANARYBOT7/canarytoken7"
        outcome = channel.send(message(), url)
        bad = channel.send(message(), url + "!")
        shown = [repr(channel), str(channel), repr(SlackWebhook.of(url)), repr(outcome), repr(bad)]
        clean([*shown, caplog.text, *capfd.readouterr()])

    @pytest.mark.parametrize("reply", [Reply(), Reply("550 no", at="rcpt"), Reply("451 x"), Reply(cut=True)])
    def test_of_mail_get_nowhere(self, smtp, caplog, capfd, reply):
        caplog.set_level(1)
        smtp.reply_with(replace(reply, line=f"{reply.line} canary7@example.org"))
        channels = [mail_channel(smtp.port), mail_channel(smtp.port, user="u", password="canary-password-7")]
        outcomes = [channel.send(message(), "canary7@example.org") for channel in channels]
        settings = MailSettings(host="h", port=1, sender="a@example.org", password="canary-password-7")
        # aiosmtpd's own log is the server's, not the channel's
        ours = [one.getMessage() for one in caplog.records if not one.name.startswith("mail.")]
        clean([*map(repr, channels), *map(repr, outcomes), repr(settings), *ours, *capfd.readouterr()])


def clean(shown: list[str]) -> None:
    """No canary in any of the texts."""
    assert not [canary for canary in CANARIES for text in shown if canary in text]
