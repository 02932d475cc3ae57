"""bytewax: how many events each key has in each tumbling window of event time (`count_window`).

Reads {events, width_s, rounds, bodies}, events as lines of "key seconds", and prints {rounds: [[seconds of D,
seconds]], counts: [[key, start, count]]} of windows with at least `least` events.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def main() -> None:
    asked = json.load(sys.stdin)
    pairs = (line.split(" ") for line in Path(asked["events"]).read_text("utf-8").splitlines())
    events = [(key, EPOCH + timedelta(seconds=int(at))) for key, at in pairs]
    bodies = Path(asked["bodies"]).read_bytes().splitlines()
    rounds, counted = [], []
    for _ in range(asked["rounds"]):
        started = time.process_time()
        for body in bodies:
            orjson.loads(body)
        bare = time.process_time() - started
        flow, counted = counting(events, timedelta(seconds=asked["width_s"]))
        started = time.process_time()
        run_main(flow)
        rounds.append([bare, time.process_time() - started])
    width = asked["width_s"]
    told = [[key, number * width, count] for key, (number, count) in counted if count >= asked["least"]]
    print(json.dumps({"rounds": rounds, "counts": sorted(told)}))


def counting(events, width):
    counted = []
    flow = Dataflow("counting")
    read = op.input("read", flow, TestingSource(events, batch_size=len(events)))
    clock = win.EventClock(ts_getter=lambda event: event[1], wait_for_system_duration=timedelta(0))
    windows = win.TumblingWindower(length=width, align_to=EPOCH)
    counts = win.count_window("count", read, clock, windows, key=lambda event: event[0])
    op.output("write", counts.down, TestingSink(counted))
    return flow, counted


if __name__ == "__main__":
    main()
