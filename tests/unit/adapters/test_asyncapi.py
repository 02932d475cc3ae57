"""The AsyncAPI document names every topic and is the same in every run."""

import json
import os
import subprocess
import sys
from pathlib import Path

from almenara.adapters.kafka.asyncapi import asyncapi_document
from almenara.adapters.kafka.topics import topic_of
from almenara.ports.log import STREAMS


def test_every_topic_is_described() -> None:
    document = asyncapi_document()
    assert document["asyncapi"].startswith("3.")
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {topic_of(name) for name in (*STREAMS, "inbox")}
    assert set(document["components"]["messages"]["events:Message"]["headers"]["required"]) == {
        "sequence",
        "id",
        "chain",
    }


def test_it_is_the_same_in_every_process() -> None:
    program = "import json; from almenara.adapters.kafka.asyncapi import *; print(json.dumps(asyncapi_document()))"
    services = str(Path(__file__).parents[3] / "services")
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONPATH": services, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == json.dumps(asyncapi_document())
