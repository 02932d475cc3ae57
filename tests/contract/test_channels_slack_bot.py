"""Slack by a bot's token against a server that speaks as Slack's API does: outcomes, edits, threads, limits."""

import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from almenara.adapters.apprise import SlackBotChannel, SlackChannel
from almenara.adapters.http.post import Poster
from almenara.adapters.sinks.slack import TOKEN, Answer, SlackSink
from almenara.app.secrets import Secret
from almenara.domain.message import Message, Paragraph
from almenara.notifier.words.compose import compose
from almenara.ports.channel import Outcome, OutcomeKind
from servers import free_port
from told import absence, message, notice

DESK = "C0DESK"
HERE = (ip_network("127.0.0.0/8"),)
DELIVERED, RETRY = OutcomeKind.DELIVERED, OutcomeKind.RETRY_AFTER
NO, UNKNOWN = OutcomeKind.REJECTED_PERMANENT, OutcomeKind.UNKNOWN


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[SlackSink]:
    with SlackSink(tmp_path / "slack") as sink:
        yield sink


def bot(slack: SlackSink, *, token: str = TOKEN, timeout_s: float = 5.0) -> SlackBotChannel:
    return SlackBotChannel(Secret(token), Poster(timeout_s=timeout_s, private=HERE), api=slack.api())


def said(error: str, status: int = 200, **headers: str) -> Answer:
    return Answer(status, json.dumps({"ok": False, "error": error}), headers)


def update(handle: str, **more: object) -> Message:
    given = {"id": "dlv2", "thread": "dlv1", "handle": handle, "cite": "ALM-4K7Q-9XTD"}
    return message(**(given | {"change": "What changed: an entry is known now."} | more))


class TestOutcomes:
    def test_a_first_post(self, slack: SlackSink) -> None:
        outcome = bot(slack).send(message(), DESK)
        [post] = slack.shown(DESK)
        assert outcome == Outcome(DELIVERED, "slack 200", receipt=post["ts"], handle=post["ts"])
        assert post["text"] == message().headline
        assert (post["unfurl_links"], post["unfurl_media"], post["parse"]) == (False, False, "none")

    @pytest.mark.parametrize(
        ("answer", "kind", "down", "for_all"),
        [
            (said("token_revoked"), NO, False, True),
            (said("account_inactive"), NO, False, True),
            (said("invalid_auth"), NO, False, True),
            (said("is_archived"), NO, False, False),
            (said("channel_not_found"), NO, False, False),
            (said("ratelimited"), RETRY, False, False),
            (said("internal_error"), UNKNOWN, True, False),
            (said("fatal_error", 500), UNKNOWN, True, False),
            (said("a_word_of_next_year"), RETRY, False, False),
            (said("service_unavailable", 503), RETRY, False, False),
            (said("invalid_auth", 401), NO, False, True),
            (Answer(500, "OK"), UNKNOWN, True, False),
            (Answer(200, "OK - 123"), UNKNOWN, True, False),
            (Answer(200, '{"ok": false, "error": "OK"}'), UNKNOWN, True, False),
            (Answer(200, '{"ok": "OK", "ts": "1.2"}'), UNKNOWN, True, False),
            (Answer(200, '{"ok": true}'), UNKNOWN, True, False),
            (Answer(200, "[1]"), UNKNOWN, True, False),
            (Answer(200, "<html>OK</html>"), UNKNOWN, True, False),
            (Answer(403, "OK"), RETRY, True, False),
            (Answer(503, "OK"), RETRY, True, False),
            (Answer(302, "", {"Location": "http://127.0.0.1:1/api/chat.postMessage"}), RETRY, True, False),
            (Answer(cut=True), UNKNOWN, True, False),
        ],
    )
    def test_each_answer_has_its_outcome(
        self, slack: SlackSink, answer: Answer, kind: OutcomeKind, down: bool, for_all: bool
    ) -> None:
        slack.answer_with(answer)
        outcome = bot(slack).send(message(), DESK)
        assert (outcome.kind, outcome.down, outcome.for_all, outcome.handle) == (kind, down, for_all, "")
        assert slack.requests == 1

    def test_what_the_server_itself_knows(self, slack: SlackSink) -> None:
        slack.archived = {"C0OLD"}
        assert bot(slack).send(message(), "C0OLD").detail == "slack 200 is_archived at chat.postMessage"
        assert bot(slack, token="xoxb-other").send(message(), DESK).detail.startswith("slack 200 invalid_auth")
        slack.revoked = True
        assert bot(slack).send(message(), DESK).detail == "slack 200 token_revoked at chat.postMessage"
        assert slack.posts() == []

    @pytest.mark.parametrize(("value", "wait"), [("7", 7.0), ("soon", None), ("999999999", 86_400.0)])
    def test_the_wait_that_slack_asks_for(self, slack: SlackSink, value: str, wait: float | None) -> None:
        slack.answer_with(said("ratelimited", 429, **{"Retry-After": value}))
        outcome = bot(slack).send(message(), DESK)
        assert (outcome.kind, outcome.retry_after_s, outcome.down) == (RETRY, wait, False)

    def test_a_silence_is_unknown_for_the_post_may_be_there(self, slack: SlackSink) -> None:
        slack.answer_with(Answer(delay_s=60))
        outcome = bot(slack, timeout_s=0.4).send(message(), DESK)
        assert outcome == Outcome(UNKNOWN, "slack timed out at chat.postMessage", down=True)
        assert len(slack.shown(DESK)) == 1

    def test_nobody_there(self, slack: SlackSink) -> None:
        channel = SlackBotChannel(Secret("x"), Poster(private=HERE), api=f"http://127.0.0.1:{free_port()}/api")
        outcome = channel.send(message(), DESK)
        assert (outcome.kind, outcome.down) == (RETRY, True)
        assert outcome.detail == "slack not reached, broke off (NewConnectionError) at chat.postMessage"

    @pytest.mark.parametrize("address", ["", "desk", "#desk", "C0DESK\n", "@ana", "C0DESK,C0OTHER"])
    def test_only_a_channels_id_is_an_address(self, slack: SlackSink, address: str) -> None:
        assert bot(slack).send(message(), address).kind == NO
        assert slack.requests == 0


class TestUpdates:
    def test_an_update_edits_the_first_post_and_says_what_changed_in_its_thread(self, slack: SlackSink) -> None:
        first = bot(slack).send(message(), DESK)
        told = update(first.handle, headline="⚪ CLOSED · Almoria · Entry now found")
        outcome = bot(slack).send(told, DESK)
        root, thread = slack.shown(DESK)
        assert root["text"] == told.headline
        assert told.change in json.dumps(root["blocks"], ensure_ascii=False)
        assert (thread["thread_ts"], thread["text"]) == (root["ts"], told.change)
        assert "reply_broadcast" not in thread
        assert outcome == Outcome(DELIVERED, "slack 200", receipt=thread["ts"])

    def test_a_copy_in_the_thread_says_so_and_the_edited_post_does_not(self, slack: SlackSink) -> None:
        first = bot(slack).send(message(), DESK)
        bot(slack).send(update(first.handle, mark="POSSIBLE DUPLICATE"), DESK)
        root, thread = slack.shown(DESK)
        assert "POSSIBLE DUPLICATE" not in json.dumps(root)
        assert thread["blocks"][0]["text"]["text"] == "POSSIBLE DUPLICATE"

    @pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
    def test_a_first_post_that_cannot_be_edited_any_more_is_followed_by_a_new_one(
        self, slack: SlackSink, error: str
    ) -> None:
        first = bot(slack).send(message(), DESK)
        slack.answer_with(said(error))
        outcome = bot(slack).send(update(first.handle), DESK)
        _, new = slack.shown(DESK)
        assert (outcome.kind, outcome.handle) == (DELIVERED, new["ts"])
        assert "thread_ts" not in new
        assert "Update to ALM-4K7Q-9XTD" in json.dumps(new["blocks"])

    @pytest.mark.parametrize("handle", ["", "C0OTHER/1.2", "1.2x", "{}"])
    def test_an_update_whose_first_post_is_not_known_stands_by_itself(self, slack: SlackSink, handle: str) -> None:
        bot(slack).send(update(handle, language="es"), DESK)
        [post] = slack.shown(DESK)
        assert "Actualización de ALM-4K7Q-9XTD" in json.dumps(post["blocks"], ensure_ascii=False)

    @pytest.mark.parametrize("answer", [said("token_revoked"), said("is_archived")])
    def test_a_refused_edit_is_the_refusal(self, slack: SlackSink, answer: Answer) -> None:
        first = bot(slack).send(message(), DESK)
        slack.answer_with(answer)
        assert bot(slack).send(update(first.handle), DESK).kind == NO
        assert slack.requests == 2

    @pytest.mark.parametrize("answer", [Answer(delay_s=60), Answer(cut=True), Answer(500, "OK")])
    def test_an_edit_whose_end_nobody_saw_makes_no_copy(self, slack: SlackSink, answer: Answer) -> None:
        first = bot(slack).send(message(), DESK)
        slack.answer_with(answer)
        outcome = bot(slack, timeout_s=0.4).send(update(first.handle), DESK)
        assert (outcome.kind, outcome.down) == (RETRY, True)
        assert len(slack.shown(DESK)) == 1

    def test_a_post_in_the_thread_whose_end_nobody_saw_is_unknown(self, slack: SlackSink) -> None:
        first = bot(slack).send(message(), DESK)
        slack.answer_with(Answer(), Answer(delay_s=60))
        outcome = bot(slack, timeout_s=0.4).send(update(first.handle), DESK)
        assert outcome == Outcome(UNKNOWN, "slack timed out at chat.postMessage", down=True)

    def test_a_retry_after_a_rate_limit_in_between_edits_again_and_posts_once(self, slack: SlackSink) -> None:
        first = bot(slack).send(message(), DESK)
        slack.answer_with(Answer(), said("ratelimited", 429, **{"Retry-After": "3"}))
        assert bot(slack).send(update(first.handle), DESK).retry_after_s == 3
        assert bot(slack).send(update(first.handle), DESK).kind == DELIVERED
        assert len(slack.shown(DESK)) == 2

    def test_an_incoming_webhook_cannot_edit_and_says_what_it_updates(self, slack: SlackSink) -> None:
        SlackChannel().send(update("1.2"), slack.url())
        [post] = slack.posts()
        assert post["path"].startswith("/services/")
        assert "Update to ALM-4K7Q-9XTD" in json.dumps(post["payload"]["blocks"])
        SlackChannel().send(message(cite="ALM-4K7Q-9XTD"), slack.url())
        assert "Update to" not in json.dumps(slack.posts()[1])


class TestPosts:
    def test_limits_and_escapes(self, slack: SlackSink) -> None:
        many = tuple(Paragraph(label="L", text=f"Sentence <!channel> & <@U{i}>. " * 300) for i in range(80))
        bot(slack).send(message(headline="🟠 HIGH · " + "word <b> " * 100, paragraphs=many), DESK)
        [post] = slack.shown(DESK)
        sections = [block["text"]["text"] for block in post["blocks"] if block["type"] == "section"]
        assert len(post["blocks"]) == 50
        assert len(next(b for b in post["blocks"] if b["type"] == "header")["text"]["text"]) <= 150
        assert all(len(text) <= 3_000 for text in sections)
        assert sections[1].endswith(".…")
        assert "<" not in json.dumps(post["blocks"])
        assert {block["text"]["type"] for block in post["blocks"] if "text" in block} == {"plain_text"}

    @pytest.mark.parametrize("text", ["<!channel> & <https://evil.example|here>", "x" * 9_000, "A sentence. " * 400])
    def test_the_thread_has_the_same_limits(self, slack: SlackSink, text: str) -> None:
        first = bot(slack).send(message(), DESK)
        bot(slack).send(update(first.handle, change=text), DESK)
        _, thread = slack.shown(DESK)
        assert all(len(block["text"]["text"]) <= 3_000 for block in thread["blocks"] if block["type"] == "section")
        assert "<" not in json.dumps(thread)

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_a_composed_message_is_told_whole(self, slack: SlackSink, language: str) -> None:
        told = compose(notice(absence(), language=language))
        bot(slack).send(told, DESK)
        shown = str(slack.shown(DESK))
        for part in (told.headline, told.caution, told.reference, *(p.text for p in told.paragraphs)):
            assert part in shown


class TestSecrets:
    @pytest.mark.parametrize(
        "answer", [Answer(), said("token_revoked"), Answer(cut=True), Answer(delay_s=60), Answer(500, "xoxb-canary-7")]
    )
    def test_the_token_gets_nowhere(
        self, slack: SlackSink, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], answer: Answer
    ) -> None:
        caplog.set_level(1)
        slack.answer_with(answer)
        channel = bot(slack, token="xoxb-canary-7", timeout_s=0.4)
        shown = [repr(channel), str(vars(channel)), repr(channel.send(message(), "C0CANARY7"))]
        assert [text for text in [*shown, caplog.text, *capfd.readouterr()] if "canary-7" in text] == []
