"""One page of health: what the log holds, how far the services are, what is active, when sources were last read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from almenara.app.active import Active
from almenara.app.destinations import standing
from almenara.app.health import ServiceHealth
from almenara.app.sources import last_readings, parse_file
from almenara.ingest.sources import FEED
from almenara.ports.log import ALERTS, EVENTS, NOTICES, STREAMS
from almenara.ports.store import Store

MISSED: Final = 3
"""After how many intervals without a reading a source counts as silent."""
CONSUMERS: Final = (("rules", EVENTS), ("notifier", ALERTS), ("plan", NOTICES))


def overview(store: Store, config_dir: Path, services: list[ServiceHealth]) -> dict[str, Any]:
    """The documented shape of `status --json`. `healthy` is about services; a source may still be silent."""
    active = Active(store).refresh()
    due = store.next_due()
    return {
        "healthy": all(service.healthy for service in services),
        "partitions": store.partitions,
        "streams": {stream: _length(store, stream) for stream in STREAMS},
        "behind": behind(store),
        "pending": store.pending(),
        "next_due": due.isoformat() if due else None,
        "ruleset": active.ruleset or None,
        "audience": active.audience or None,
        "channels": [{"channel": name, **found} for name, found in standing(store, datetime.now(UTC)).items()],
        "services": [_service(service) for service in services],
        "sources": source_lines(store, config_dir),
    }


def behind(store: Store) -> dict[str, int]:
    """How many records each consumer has still to take."""
    taken = {(p.consumer, p.stream, p.partition): p.after for p in store.positions()}
    return {
        consumer: sum(
            max(0, store.end(stream, number) - taken.get((consumer, stream, number), 0))
            for number in range(store.partitions)
        )
        for consumer, stream in CONSUMERS
    }


def source_lines(store: Store | None, config_dir: Path, now: datetime | None = None) -> list[dict[str, Any]]:
    """Each source with its last reading, as far as the file is sound and there is a record."""
    specs, _ = parse_file(config_dir)
    last = last_readings(store, [spec.id for spec in specs]) if store else {}
    at = now or datetime.now(UTC)
    lines = []
    for spec in specs:
        found = last.get(spec.id)
        age_s = (at - found.event.recorded).total_seconds() if found else None
        lines.append(
            {
                "id": spec.id,
                "kind": spec.kind,
                "country": spec.country,
                "url": spec.url or None,
                "every_s": spec.every_s if spec.kind == FEED else None,
                "last_read": found.event.recorded.isoformat() if found else None,
                "outcome": found.outcome if found else None,
                "last_good": found.good.recorded.isoformat() if found and found.good else None,
                "silent": spec.kind == FEED and (age_s is None or age_s > MISSED * spec.every_s),
            }
        )
    return lines


def _length(store: Store, stream: str) -> int:
    return sum(store.end(stream, number) for number in range(store.partitions))


def _service(service: ServiceHealth) -> dict[str, Any]:
    return {"service": service.service, "healthy": service.healthy, "age_s": round(service.age_s, 1),
            "trouble": service.trouble or None, "config_faults": service.details.get("config_faults", 0)}  # fmt: skip
