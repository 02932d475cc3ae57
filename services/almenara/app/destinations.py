"""Where destinations stand, for those who look: circuits and refusals of the record, in words and as data."""

from datetime import datetime
from typing import Any

from almenara.domain.circuit import Circuit, CircuitState
from almenara.ports.queue import Refusal
from almenara.ports.store import Store


def standing(store: Store, now: datetime) -> dict[str, dict[str, Any]]:
    """Each destination of which something is noted, by name: the documented shape of `channels list --json`."""
    circuits = {circuit.destination: circuit for circuit in store.circuits()}
    refusals: dict[str, list[Refusal]] = {}
    for refusal in store.refusals():
        refusals.setdefault(refusal.destination, []).append(refusal)
    names = sorted(circuits.keys() | refusals.keys())
    return {name: one(circuits.get(name), refusals.get(name, []), now) for name in names}


def one(circuit: Circuit | None, refusals: list[Refusal], now: datetime) -> dict[str, Any]:
    """A single destination."""
    return {
        "state": circuit.state(now) if circuit else CircuitState.CLOSED,
        "since": circuit.since if circuit else None,
        "until": circuit.until if circuit else None,
        "failures": circuit.failures if circuit else 0,
        "error": circuit.error if circuit else "",
        "refusals": [
            {"to": found.subscriber or None, "cause": found.cause, "at": found.at, "delivery": found.delivery}
            for found in refusals
        ],
    }


def trouble(found: dict[str, Any]) -> str:
    """What is wrong with a destination, in a line; empty when nothing is."""
    said = []
    if found["state"] != CircuitState.CLOSED:
        said.append(f"{found['state']} since {found['since']:%Y-%m-%d %H:%M} ({found['error']})")
    for refusal in found["refusals"]:
        said.append(f"refuses {refusal['to'] or 'everyone'} since {refusal['at']:%Y-%m-%d %H:%M} ({refusal['cause']})")
    return "; ".join(said)
