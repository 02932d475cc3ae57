"""What the processes write about themselves: one line a record to standard error, with every secret masked.

The masking sits in the formatter, so that it covers messages, arguments and tracebacks of every library alike.
"""

import logging
import sys
import time
from typing import Final, TextIO

from almenara.app.secrets import Redactor

_LINE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class RedactingFormatter(logging.Formatter):
    """Formats a record in UTC and masks what the redactor knows, the traceback included."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(_LINE)
        self.converter = time.gmtime
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line, masked; a line break inside a message cannot forge a line of its own."""
        before = record.exc_text
        record.exc_text = None
        text = super().format(record)
        record.exc_text = before
        return self._redactor.redact(text).replace("\n", "\n    ")


def set_up_logging(level: str, redactor: Redactor, stream: TextIO | None = None) -> logging.Handler:
    """Sends every record of `level` and above to `stream` (standard error), masked. Returns the handler.

    Replaces what an earlier call set up; call it once at the start of a process. Secrets read later are added to the
    redactor.
    """
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one.formatter, RedactingFormatter)]:
        root.removeHandler(handler)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(RedactingFormatter(redactor))
    root.addHandler(handler)
    root.setLevel(level.upper())
    return handler
