"""Almenara's own command line, with a Kafka session and a sender's claim that are short enough for a test of kills.

TEST_SESSION_MS=3000 TEST_CLAIM_S=6 python service_main.py run rules
"""

import os
from datetime import timedelta
from functools import partial

from almenara.adapters.kafka.holding import Patience
from almenara.adapters.kafka.subscriber import Consuming
from almenara.app import services
from almenara.cli.main import main

if __name__ == "__main__":
    session_ms = int(os.environ["TEST_SESSION_MS"])
    consuming = Consuming(
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // 5,
        patience=Patience(fenced_s=session_ms / 1000),
    )
    claim_for = timedelta(seconds=float(os.environ["TEST_CLAIM_S"]))
    # There is no setting for these two, and nobody but a test wants one.
    services.Distributed = partial(services.Distributed, consuming=consuming)  # type: ignore[misc]
    services.Sender = partial(services.Sender, claim_for=claim_for)  # type: ignore[misc]
    main()
