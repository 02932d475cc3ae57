"""Mails of an absence alert and of a digest, word for word, in both languages: a change of words changes these files.

To take new words over: run with ALMENARA_GOLDEN=write and look at the difference.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from almenara.adapters.apprise.letter import render_text, subject
from almenara.domain.notice import Told
from almenara.notifier.words.compose import compose
from almenara.notifier.words.messages import message_of
from told import absence, digest, notice

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_words_of_a_mail(language):
    matches_golden(
        f"mail_absence_{language}", compose(notice(absence(), language=language), contact="editor@example.org")
    )


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_words_of_a_digest(language):
    matches_golden(f"mail_digest_{language}", message_of(digest(language), contact="editor@example.org"))


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_words_of_a_call(language):
    called = replace(notice(absence(), language=language), why=Told.ESCALATED, ref="desk-lima", filter_index=-1)
    matches_golden(f"mail_escalated_{language}", message_of(called))


def matches_golden(name, told):
    text = f"Subject: {subject(told)}\n\n{render_text(told)}"
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("ALMENARA_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
