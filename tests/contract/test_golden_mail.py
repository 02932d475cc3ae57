"""The mail of one absence alert, word for word, in both languages: a change of words is a change of these files.

To take new words over: run with ALMENARA_GOLDEN=write and look at the difference.
"""

import os
from pathlib import Path

import pytest

from almenara.adapters.apprise.letter import render_text, subject
from almenara.notifier.compose import compose
from told import absence, notice

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_words_of_a_mail(language):
    told = compose(notice(absence(), language=language), contact="editor@example.org")
    text = f"Subject: {subject(told)}\n\n{render_text(told)}"
    file = GOLDEN / f"mail_absence_{language}.txt"
    if os.environ.get("ALMENARA_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
