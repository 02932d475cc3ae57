"""From what a server answered, or how it failed to, to an outcome. Pure.

Details are made of our own words and numbers only: no address, URL or token of the other side's text gets into them.
"""

import re
from datetime import datetime
from typing import Final

from almenara.ports.channel import Outcome, OutcomeKind
from almenara.ports.post import retry_after_s

_CONFIGURATION: Final = (454, 530, 534, 535, 538)  # login and TLS: ours to mend, the mail itself was not judged
_CLOSING: Final = 421  # the server ends the dialogue, whatever was asked
BEFORE_MAIL: Final = ("connect", "greeting")
"""Stages at which a server judges us, not a mail: whatever it says there is no refusal of the mail."""

WORD: Final = re.compile(r"[a-z_]{2,40}", re.ASCII)
_QUEUED: Final = re.compile(r"queued as ([A-Za-z0-9._-]{4,64})\b", re.ASCII)


def smtp_outcome(code: int, stage: str, text: bytes | str = b"") -> Outcome:
    """What a reply code of SMTP means at a stage (connect, greeting, sender, recipient, data command, data)."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if stage == "data" and 200 <= code < 300:
        queued = _QUEUED.search(said)
        return Outcome(OutcomeKind.DELIVERED, f"smtp {code}", receipt=queued.group(1) if queued else "")
    detail = f"smtp {code} at {stage}"
    if code in _CONFIGURATION or stage in BEFORE_MAIL or code == _CLOSING:
        return Outcome(OutcomeKind.RETRY_AFTER, detail, down=True)
    ours = stage == "sender"  # the same for whoever it is to
    if 500 <= code < 600:
        return Outcome(OutcomeKind.REJECTED_PERMANENT, detail, for_all=ours)
    if 400 <= code < 500:
        return Outcome(OutcomeKind.RETRY_AFTER, detail, down=ours)
    return Outcome(OutcomeKind.UNKNOWN if stage == "data" else OutcomeKind.RETRY_AFTER, detail, down=True)


def slack_outcome(status: int, body: bytes, retry_after: str, now: datetime) -> Outcome:
    """What an answer of a Slack webhook means. Success is status 200 with exactly `ok`, and nothing else."""
    said = body.strip()
    word = said.decode("ascii", "replace")
    detail = f"slack {status}" + (f" {word}" if WORD.fullmatch(word) and word != "ok" else "")
    if status == 200:
        taken = said == b"ok"
        return Outcome(OutcomeKind.DELIVERED if taken else OutcomeKind.UNKNOWN, detail, down=not taken)
    if status in (408, 429, 503):
        wait_s = retry_after_s(retry_after, now)
        return Outcome(OutcomeKind.RETRY_AFTER, detail, retry_after_s=wait_s, down=status != 429)
    if 300 <= status < 500:
        return Outcome(OutcomeKind.REJECTED_PERMANENT, detail, for_all=True)
    return Outcome(OutcomeKind.UNKNOWN, detail, down=True)
