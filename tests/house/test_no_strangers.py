"""Nothing of anybody's machine, network or person is in the project: it is cloned and shared as it is.

Looks at the files that git knows, so that data folders and caches do not count.
"""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REGISTRIES = re.compile(
    r"(?i)\b(?:[a-z0-9-]+\.)*(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|maven\.org|"
    r"maven\.apache\.org/maven2|sonatype\.org|crates\.io|proxy\.golang\.org|jfrog\.io|artifactory[a-z0-9.-]*)"
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.~}/$-])/(?:home|root|Users|work|workspace|opt/(?!kafka/)|private/var|mnt)/[A-Za-z0-9_.-]+|[A-Z]:\\Users\\"
)
MAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})\b")
EXAMPLE_DOMAIN = re.compile(r"(?:.+\.)?(?:example\.(?:org|com|net)|[a-z0-9-]+\.(?:example|test|invalid))")
KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bxox[abp]-\d{6,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}"
)
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==\S+(?: ;[^\\\n]*)? \\\n    --hash=sha256:[0-9a-f]{64}", re.MULTILINE)


@cache
def texts() -> dict[str, str]:
    """The tracked and new text files, without what git ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: which files are the project's is not known")
    found = {}
    for name in filter(None, listed.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content[:8000]:
            found[name] = content.decode("utf-8", "replace")
    return found


def hits(pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    here = str(Path(__file__).relative_to(ROOT))
    return [(name, match) for name, text in texts().items() if name != here for match in pattern.finditer(text)]


def line(name: str, match: re.Match[str]) -> str:
    return f"{name}:{match.string.count(chr(10), 0, match.start()) + 1}: {match[0]}"


def in_url(match: re.Match[str]) -> bool:
    """Whether it is the user of a URL (`https://user@host/`), which only looks like a mail address."""
    return re.search(r"://[^\s\"'<>]*$", match.string[max(0, match.start() - 200) : match.start()]) is not None


def test_no_file_names_a_package_registry() -> None:
    assert [line(*hit) for hit in hits(REGISTRIES)] == []


@pytest.mark.parametrize("lock", ["requirements/runtime.txt", "requirements/dev.txt"])
def test_the_lock_pins_every_package_by_hash_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    packages = PINNED.findall(text)
    assert packages
    assert len(packages) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))


def test_both_locks_agree() -> None:
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))

    runtime, dev = pins("requirements/runtime.txt"), pins("requirements/dev.txt")
    assert {name: version for name, version in runtime.items() if dev.get(name) != version} == {}


def test_no_file_names_a_path_of_one_machine() -> None:
    assert [line(*hit) for hit in hits(MACHINE_PATHS)] == []


def test_mail_addresses_are_made_up() -> None:
    found = [(name, match) for name, match in hits(MAIL) if not in_url(match)]
    assert [line(*hit) for hit in found if not EXAMPLE_DOMAIN.fullmatch(hit[1][1].lower())] == []


def test_no_key_or_token_is_committed() -> None:
    assert [line(*hit) for hit in hits(KEYS)] == []
