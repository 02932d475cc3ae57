"""Real channels under the real sender: what is tried again, what is marked as a possible copy, what a restart keeps."""

import base64
import email
import email.policy
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from almenara.adapters.apprise import MailChannel, MailSettings, SlackBotChannel, SlackChannel, SlackSettings
from almenara.adapters.http.hook import HookChannel
from almenara.adapters.http.post import Poster
from almenara.adapters.sinks.hook import HookSink
from almenara.adapters.sinks.http import Answer
from almenara.adapters.sinks.slack import TOKEN, SlackSink
from almenara.adapters.sinks.smtp import Reply, SmtpSink
from almenara.adapters.sql.store import open_sqlite
from almenara.app.clock import VirtualClock
from almenara.app.embedded import Embedded
from almenara.app.secrets import Secret
from almenara.domain.alert import Change, Reason
from almenara.domain.notice import Delivery, Notice
from almenara.notifier.plan import PlanProcessor
from almenara.notifier.send import Sender
from almenara.ports.channel import Channel
from almenara.ports.log import DELIVERIES, NOTICES, Entry, read_range
from almenara.ports.store import Store
from almenara.ports.wire import decode_delivery, encode
from told import absence, at, notice

SECRET = "whsec_" + base64.b64encode(b"made up, thirty-two bytes long..").decode()
SHORT_S = 0.4
POSTER = Poster(timeout_s=SHORT_S, private=(ip_network("127.0.0.0/8"),))
MARK = "POSSIBLE DUPLICATE"
START = at("2026-02-01 12:00")


@dataclass
class Under:
    """A channel under test: how to make it, where it goes, how its server answers next, what arrived (id, text)."""

    make: Callable[[], Channel]
    address: str
    answer: Callable[[str], None]
    arrived: Callable[[], list[tuple[str, str]]]


def web(kind: str) -> Answer:
    return {"silence": Answer(delay_s=60), "later": Answer(503), "cut": Answer(cut=True)}[kind]


def mail_under(smtp: SmtpSink) -> Under:
    def arrived() -> list[tuple[str, str]]:
        mails = [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in smtp.mails()]
        return [(str(mail["Message-ID"]), mail.get_body(("plain",)).get_content()) for mail in mails]  # type: ignore[attr-defined]

    replies = {"silence": Reply(delay_s=60), "later": Reply("451 later"), "cut": Reply(cut=True)}
    settings = MailSettings(
        host="127.0.0.1", port=smtp.port, sender="a@example.org", security="none", timeout_s=SHORT_S
    )
    return Under(lambda: MailChannel(settings), "ana@example.org", lambda kind: smtp.reply_with(replies[kind]), arrived)


def bot(slack: SlackSink) -> Channel:
    return SlackBotChannel(Secret(TOKEN), POSTER, api=slack.api())


@pytest.fixture(params=["mail", "slack", "bot", "webhook"])
def under(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Under]:
    with ExitStack() as stack:
        if request.param == "mail":
            yield mail_under(stack.enter_context(SmtpSink(tmp_path / "sink")))
        elif request.param == "webhook":
            hook = stack.enter_context(HookSink(tmp_path / "sink", SECRET))
            make = lambda: HookChannel("x", Secret(SECRET), POSTER)  # noqa: E731
            yield Under(make, hook.url(), lambda kind: hook.answer_with(web(kind)), lambda: told_of(hook.posts()))
        else:
            slack = stack.enter_context(SlackSink(tmp_path / "sink"))
            made = (lambda: bot(slack)) if request.param == "bot" else webhook_of_slack
            address = "C0DESK" if request.param == "bot" else slack.url()
            yield Under(made, address, lambda kind: slack.answer_with(web(kind)), lambda: told_of(slack.posts()))


def webhook_of_slack() -> Channel:
    return SlackChannel(SlackSettings(timeout_s=SHORT_S))


def told_of(posts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(str(post.get("id", "")), json.dumps(post["payload"])) for post in posts]


def planned(store: Store, *notices: Notice) -> None:
    store.append([Entry(NOTICES, "ana", one.id, encode(one)) for one in notices])
    Embedded(store, [PlanProcessor(store, store.partitions)]).pump()


def first() -> Notice:
    return replace(notice(absence(), via="x"), at=START, due=START)


def steps(store: Store) -> list[Delivery]:
    return [decode_delivery(record.body) for record in read_range(store, DELIVERIES, 0)]


def once(store: Store, channel: Channel, address: str, minutes: int = 0) -> Delivery:
    """One pass of a sender of its own, so long after the start; the last step that it recorded."""
    clock = VirtualClock(START + timedelta(minutes=minutes))
    assert Sender(store, {"x": channel}, lambda *_: address, clock).run_once()
    return steps(store)[-1]


@pytest.mark.parametrize("kind", ["silence", "cut"])
def test_an_end_that_nobody_saw_is_tried_again_and_the_second_copy_says_so(
    tmp_path: Path, under: Under, kind: str
) -> None:
    with closing(open_sqlite(tmp_path / "a.db", 1)) as store:
        planned(store, first())
        under.answer(kind)
        last = once(store, under.make(), under.address)
        assert (last.state, last.possible_duplicate) == ("unknown", False)
        last = once(store, under.make(), under.address, 1)
        assert (last.state, last.possible_duplicate, store.pending()) == ("delivered", True, 0)
    copies = under.arrived()
    assert len(copies) == 2
    assert len({uid for uid, _ in copies}) == 1
    assert [MARK in text for _, text in copies] == [False, True]


def test_a_clear_no_for_now_is_tried_again_and_is_no_copy(tmp_path: Path, under: Under) -> None:
    with closing(open_sqlite(tmp_path / "a.db", 1)) as store:
        planned(store, first())
        under.answer("later")
        last = once(store, under.make(), under.address)
        assert (last.state, last.again_at is not None) == ("retry_after", True)
        last = once(store, under.make(), under.address, 1)
        assert (last.state, last.possible_duplicate, store.pending()) == ("delivered", False, 0)
    [(_, text)] = under.arrived()
    assert MARK not in text


def test_a_bot_edits_the_first_post_after_a_restart_and_in_another_process(tmp_path: Path) -> None:
    closed = notice(absence(), Change.RESOLVED, Reason.REGISTERED_LATE, id="n2", delivery="dlv2", via="x")
    with SlackSink(tmp_path / "slack") as slack:
        with closing(open_sqlite(tmp_path / "a.db", 1)) as store:
            planned(store, first())
            last = once(store, bot(slack), "C0DESK")
        with closing(open_sqlite(tmp_path / "a.db", 1)) as store:
            planned(store, replace(closed, at=START, due=START))
            slack.answer_with(Answer(), Answer(delay_s=60))  # the edit goes well, the post's end nobody sees
            assert once(store, bot(slack), "C0DESK").state == "unknown"
            assert once(store, bot(slack), "C0DESK", 1).state == "delivered"
            assert all("C0DESK" not in record.body.decode() for record in read_range(store, DELIVERIES, 0))
        root, *thread = slack.shown("C0DESK")
    assert last.receipt == root["ts"]
    assert "CLOSED" in root["text"]
    assert [post["thread_ts"] for post in thread] == [root["ts"]] * 2
    assert [MARK in json.dumps(post) for post in (root, *thread)] == [False, False, True]


def test_a_refusal_is_final_and_kept(tmp_path: Path) -> None:
    with SlackSink(tmp_path / "slack") as slack, closing(open_sqlite(tmp_path / "a.db", 1)) as store:
        planned(store, first())
        slack.archived = {"C0DESK"}
        last = once(store, bot(slack), "C0DESK")
        assert (last.state, last.detail) == ("rejected_permanent", "slack 200 is_archived at chat.postMessage")
        assert (store.pending(), slack.shown("C0DESK")) == (0, [])
        [refusal] = store.refusals()
        assert (refusal.destination, refusal.subscriber, refusal.cause) == ("x", "ana", last.detail)
