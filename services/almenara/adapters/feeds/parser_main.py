"""The child process that parses one feed: bytes in on standard input, one JSON object out on standard output.

Run by its path, isolated, with an empty environment. It limits itself before it reads anything, since a feed may be
made to eat memory or time. Must not import the package: it is a stranger's playground, and starts faster without.
"""

import contextlib
import io
import json
import sys
from typing import Any

MAX_ENTRIES = 2_000
MAX_TEXT = 20_000
REFUSED = 3


def limit(memory_bytes: int, cpu_s: int) -> None:
    """Limits address space and processor time, and forbids files and core dumps, where the system can."""
    try:
        import resource
    except ImportError:  # not a POSIX system: the parent's clock is the only limit
        return
    for what, soft, hard in (
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),  # the soft one has a signal of its own
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (soft, hard))


def extract(body: bytes, content_type: str = "") -> dict[str, Any]:
    """What is wanted of a feed, as plain JSON values, cut to size."""
    import feedparser

    # A stream, never the bytes themselves: those would be tried as a file's name first.
    headers = {"content-type": content_type} if content_type else {}
    found = feedparser.parse(
        io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    feed = found.get("feed", {})
    entries = [_entry(entry) for entry in found.get("entries", [])[:MAX_ENTRIES]]
    return {
        "version": _text(found.get("version")),
        "encoding": _text(found.get("encoding")),
        "flawed": bool(found.get("bozo")),
        "flaw": _text(str(found.get("bozo_exception", "")))[:200],
        "feed": {name: _text(feed.get(name)) for name in ("title", "language", "link")},
        "entries": entries,
        "cut": len(found.get("entries", [])) > MAX_ENTRIES,
    }


def _entry(entry: Any) -> dict[str, str]:
    found = {name: _text(entry.get(name)) for name in ("id", "link", "title", "summary", "published", "updated")}
    detail = entry.get("title_detail") or entry.get("summary_detail") or {}
    found["language"] = _text(detail.get("language") if isinstance(detail, dict) else "")
    if not found["summary"]:
        contents = entry.get("content") or []
        first = contents[0] if isinstance(contents, list) and contents else {}
        found["summary"] = _text(first.get("value") if isinstance(first, dict) else "")
    return found


def _text(value: Any) -> str:
    # Half a surrogate pair is no text, and JSON would carry it on.
    return value[:MAX_TEXT].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def main() -> int:
    """Arguments: memory in bytes, processor time in seconds, content type."""
    limit(int(sys.argv[1]), int(sys.argv[2]))
    try:
        found = extract(sys.stdin.buffer.read(), sys.argv[3])
        sys.stdout.write(json.dumps(found))
        sys.stdout.flush()
    except MemoryError:
        sys.stderr.write("MemoryError")
        return REFUSED
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}"[:300].encode("ascii", "replace").decode())
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
