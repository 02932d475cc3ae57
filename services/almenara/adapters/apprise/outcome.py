"""From what a server answered, or how it failed to, to an outcome. Pure.

Details are made of our own words and numbers only: no address, URL or token of the other side's text gets into them.
"""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from almenara.ports.channel import Outcome, OutcomeKind

LONGEST_WAIT_S: Final = 86_400.0
_CONFIGURATION: Final = (454, 530, 534, 535, 538)  # login and TLS: ours to mend, the mail itself was not judged
_WORD: Final = re.compile(r"[a-z_]{2,40}", re.ASCII)
_QUEUED: Final = re.compile(r"queued as ([A-Za-z0-9._-]{4,64})\b", re.ASCII)


def smtp_outcome(code: int, stage: str, text: bytes | str = b"") -> Outcome:
    """What a reply code of SMTP means at a stage (connect, login, sender, recipient, data)."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if stage == "data" and 200 <= code < 300:
        queued = _QUEUED.search(said)
        return Outcome(OutcomeKind.DELIVERED, f"smtp {code}", receipt=queued.group(1) if queued else "")
    detail = f"smtp {code} at {stage}"
    if code in _CONFIGURATION or stage in ("connect", "login"):
        return Outcome(OutcomeKind.RETRY_AFTER, detail)
    if 500 <= code < 600:
        return Outcome(OutcomeKind.REJECTED_PERMANENT, detail)
    if 400 <= code < 500:
        return Outcome(OutcomeKind.RETRY_AFTER, detail)
    return Outcome(OutcomeKind.UNKNOWN if stage == "data" else OutcomeKind.RETRY_AFTER, detail)


def slack_outcome(status: int, body: bytes, retry_after: str, now: datetime) -> Outcome:
    """What an answer of a Slack webhook means. Success is status 200 with exactly `ok`, and nothing else."""
    said = body.strip()
    word = said.decode("ascii", "replace")
    detail = f"slack {status}" + (f" {word}" if _WORD.fullmatch(word) and word != "ok" else "")
    if status == 200:
        return Outcome(OutcomeKind.DELIVERED if said == b"ok" else OutcomeKind.UNKNOWN, detail)
    if status == 429:
        return Outcome(OutcomeKind.RETRY_AFTER, detail, retry_after_s=wait_s(retry_after, now))
    if status in (408, 503):
        return Outcome(OutcomeKind.RETRY_AFTER, detail, retry_after_s=wait_s(retry_after, now))
    if 300 <= status < 500:
        return Outcome(OutcomeKind.REJECTED_PERMANENT, detail)
    return Outcome(OutcomeKind.UNKNOWN, detail)


def wait_s(value: str, now: datetime) -> float | None:
    """The seconds of a Retry-After header (a number or a date), between 0 and a day; None when it says nothing."""
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text, re.ASCII):
        return min(float(text), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if until.tzinfo is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT_S)
