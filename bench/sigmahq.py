"""As many rules as SigmaHQ has, of the same shape, over made-up values; and events of such log sources.

No package registry holds SigmaHQ's own rules, so their shape is imitated: mostly Windows process creation, mostly
`contains` and `endswith` over lists, `all of` and `1 of`, filters as negations. Values are made of syllables.
"""

import random
from typing import Any, Final

import orjson
import yaml

from events import START

RULES: Final = 3_780
A_FILE: Final = 500
LINE_WORDS: Final = 32  # a command line or a script of about 350 characters
PRODUCT: Final = "almenara"  # the only product of CloudEvents here

# Log source: its weight among rules, its fields (name, how values look), and which of them rules ask together.
SOURCES: Final[dict[str, tuple[int, tuple[tuple[str, str], ...], str]]] = {
    "process_creation": (
        46,
        (("Image", "exe"), ("CommandLine", "line"), ("ParentImage", "exe"), ("OriginalFileName", "file")),
        "01 01 01 01 01 1 1 20 201 301",
    ),
    "registry_set": (8, (("TargetObject", "key"), ("Details", "line"), ("Image", "exe")), "0 01 01 20"),
    "file_event": (9, (("TargetFilename", "path"), ("Image", "exe")), "0 10 10"),
    "ps_script": (8, (("ScriptBlockText", "line"),), "0"),
    "image_load": (5, (("ImageLoaded", "path"), ("Image", "exe")), "0 10"),
    "network_connection": (
        4,
        (("Image", "exe"), ("DestinationHostname", "host"), ("DestinationPort", "port")),
        "01 02",
    ),
    "security": (7, (("EventID", "number"), ("SubjectUserName", "word"), ("ObjectName", "path")), "01 02 012"),
    "cloud": (7, (("eventName", "word"), ("eventSource", "host"), ("userAgent", "line")), "01 012"),
    "webserver": (4, (("cs-uri-query", "line"), ("cs-method", "word"), ("sc-status", "number")), "0 10 120"),
    "auditd": (2, (("type", "word"), ("a0", "file"), ("a1", "word")), "01 012"),
}
_SYLLABLES: Final = tuple(first + second for first in "kmnrst" for second in "aeiou")
_RARE: Final = 60_000
_BANDS: Final = ((0, 40), (40, 3_000), (3_000, _RARE))
"""Values that many rules and many events share, as powershell.exe is; that some share; and rare ones."""


class Values:
    """Made-up values of each kind; a few of them are everywhere."""

    def __init__(self, seed: int) -> None:
        self._drawn = drawn = random.Random(seed)
        self._words = ["".join(drawn.choices(_SYLLABLES, k=drawn.randint(4, 6))) for _ in range(_RARE)]

    def of(self, kind: str, common: float, usual: float) -> Any:
        """A value; with these chances a common or a usual one, else a rare one."""
        drawn = self._drawn
        low, high = drawn.choices(_BANDS, (common, usual, 1 - common - usual))[0]
        one, two = self._words[drawn.randrange(low, high)], drawn.choice(self._words)
        if kind == "port":
            return drawn.randrange(1, 65_536)
        if kind == "number":
            return drawn.randrange(1, 60_000)
        made = {"exe": f"\\{one}.exe", "file": f"{one}.exe", "path": f"\\{one}\\{two}.dll", "word": one}
        return {**made, "key": f"\\{one}\\{two}", "host": f"{one}.{two}.example"}.get(kind, f" -{one}")


def rules(count: int = RULES, seed: int = 5) -> list[str]:
    """So many rules as texts of YAML, some hundreds in each."""
    drawn, values = random.Random(seed), Values(seed=6)
    documents = [_rule(number, drawn, values) for number in range(count)]
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    parts = [documents[start : start + A_FILE] for start in range(0, count, A_FILE)]
    return [yaml.dump_all(part, sort_keys=False, Dumper=dumper) for part in parts]


def events(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """So many events: `type` is the log source, the rest its fields and what else such events carry, about 1.1 KB."""
    drawn, values = random.Random(seed), Values(seed=6)
    names, weights = list(SOURCES), [weight for weight, *_ in SOURCES.values()]
    return [_event(number, drawn.choices(names, weights)[0], drawn, values) for number in range(count)]


def plain(event: dict[str, Any]) -> bytes:
    """The event as one flat JSON object, with its log source."""
    return orjson.dumps({"id": event["id"], "category": event["source"], "product": PRODUCT, **event["data"]})


def cloud(event: dict[str, Any]) -> bytes:
    """The event as a CloudEvent: its log source is its type."""
    head = {"specversion": "1.0", "id": event["id"], "source": "bench", "type": event["source"]}
    return orjson.dumps({**head, "time": START.isoformat(), "data": event["data"]})


def _event(number: int, source: str, drawn: random.Random, values: Values) -> dict[str, Any]:
    data: dict[str, Any] = {"Computer": f"host{drawn.randrange(500)}.example", "User": f"user{drawn.randrange(900)}"}
    for field, kind in SOURCES[source][1]:
        value = values.of(kind, 0.5, 0.3)
        if kind == "line":
            value = "".join(values.of("line", 0.3, 0.3) for _ in range(LINE_WORDS))
        elif kind in ("exe", "path", "key"):
            value = f"C:\\Windows\\System32{value}"
        data[field] = value
    used = len(orjson.dumps(data))
    filler = "".join(values.of("line", 0.3, 0.3) for _ in range(max(0, 1_000 - used) // 12))
    return {"id": f"bench-{number:08d}", "source": source, "data": {**data, "Message": filler}}


def _rule(number: int, drawn: random.Random, values: Values) -> dict[str, Any]:
    source = drawn.choices(list(SOURCES), [weight for weight, *_ in SOURCES.values()])[0]
    _, fields, together = SOURCES[source]
    chosen = [fields[int(place)] for place in drawn.choice(together.split())]
    # What stands alone is rare, and so is what is asked last: powershell.exe alone would be no rule.
    detection = {
        f"selection_{part}": _selection(field, kind, part == len(chosen), drawn, values)
        for part, (field, kind) in enumerate(chosen, start=1)
    }
    condition = "all of selection_*"
    if drawn.random() < 0.25:
        detection["filter_main"] = _selection(*drawn.choice(fields), False, drawn, values)
        condition += " and not filter_main"
    return {
        "title": f"Imitated rule {number}",
        "status": "test",
        "level": drawn.choice(("low", "medium", "high")),
        "logsource": {"product": PRODUCT, "category": source},
        "detection": {**detection, "condition": condition},
    }


def _selection(field: str, kind: str, rare: bool, drawn: random.Random, values: Values) -> Any:
    if kind in ("number", "port"):
        return {field: [values.of(kind, 0, 0) for _ in range(drawn.randint(1, 4))]}
    count = drawn.choice((1, 1, 2, 3, 5, 8, 12, 30))
    some = [values.of(kind, *((0.0, 0.005) if rare else (0.4, 0.4))) for _ in range(count)]
    if kind in ("exe", "path", "key"):
        how = drawn.choices(("endswith", "contains", "startswith"), (80, 15, 5))[0]
        found: dict[str, Any] = {f"{field}|{how}": some}
        return (
            [found, {"OriginalFileName": some[0].lstrip("\\")}] if field == "Image" and drawn.random() < 0.5 else found
        )
    if kind in ("file", "word", "host"):
        return {field: some}
    if drawn.random() < 0.04:
        return {f"{field}|re": f"{some[0].strip(' -')}\\s+-[a-z]{{2,8}}"}
    how = "contains|all" if 1 < count < 5 and drawn.random() < 0.4 else "contains"
    return {f"{field}|{how}": some}
