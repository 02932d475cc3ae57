"""Health files: each running service says now and then how it is; `status` and `doctor` read it.

One small JSON file for each service in `data_dir/health`, written whole or not at all, removed at a clean end.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "health"
EVERY_S: Final = 5.0
STALE_S: Final = 60.0
SERVICES: Final = ("all", "ingest", "rules", "notifier", "plan", "ticker", "console")


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """How a service is: `trouble` is empty when it is well. `age_s` is the age of its file in seconds."""

    service: str
    at: datetime | None
    age_s: float
    trouble: str
    details: Mapping[str, Any]

    @property
    def healthy(self) -> bool:
        """Whether it runs and nothing is given up."""
        return not self.trouble


def health_file(data_dir: Path, service: str) -> Path:
    """Where a service says how it is."""
    return data_dir / FOLDER / f"{service}.json"


def write_health(path: Path, service: str, now: datetime, **details: Any) -> None:
    """Writes the file. A full disk does not stop the service."""
    body = {"service": service, "at": now.isoformat(), "pid": os.getpid(), **details}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        new.write_text(json.dumps(body), "utf-8")
        new.replace(path)


def read_health(data_dir: Path, service: str, now: datetime | None = None) -> ServiceHealth | None:
    """How a service is; None when it has no file (never started, or ended cleanly)."""
    try:
        raw = json.loads(health_file(data_dir, service).read_text("utf-8"))
        at = datetime.fromisoformat(raw["at"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        return ServiceHealth(service, None, 0.0, f"its health file cannot be read: {error}", {})
    age_s = ((now or datetime.now(UTC)) - at).total_seconds()
    trouble = ""
    if age_s > STALE_S:
        trouble = f"silent for {int(age_s)} s: it hangs or was killed"
    elif raw.get("stopped"):
        trouble = "; ".join(f"partition {number} stopped: {why}" for number, why in raw["stopped"].items())
    elif raw.get("trouble"):
        trouble = str(raw["trouble"])
    return ServiceHealth(service, at, age_s, trouble, raw)


def all_health(data_dir: Path, now: datetime | None = None) -> list[ServiceHealth]:
    """How every service with a file is."""
    found = (read_health(data_dir, service, now) for service in SERVICES)
    return [one for one in found if one is not None]
