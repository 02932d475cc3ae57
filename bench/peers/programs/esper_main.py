"""Esper: A, and no B of the same key within a timespan, told by a clock that the stream itself moves.

Reads {jars, events, timespan_s, rounds, bodies}; events are lines of "seconds kind key id", in order. Prints {rounds:
[[seconds of D, seconds]], missing: [id]}. Events are Java arrays before the clock starts, and are sent by a loop in
Java, so that no crossing from Python is timed; only the clock is moved from here, once for all events of one second.
Seconds are those of the sending thread: what Java's collector and compiler do beside it is not held against Esper.
"""

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import jpype
import orjson

EPL = """
create objectarray schema A(k string, id int);
create objectarray schema B(k string, id int);

insert into Missing
  select a.id as id from pattern [every a=A -> (timer:interval({timespan_s} sec) and not B(k = a.k))];
@name('kept') create window Kept#keepall as (id int);
insert into Kept select id from Missing;
"""


def main() -> None:
    asked = json.load(sys.stdin)
    jpype.startJVM("-Xms3g", "-Xmx3g", "-Xmn2g", "-XX:+UseParallelGC", classpath=[f"{asked['jars']}/*"])
    batches = java_batches(Path(asked["events"]))
    bodies = Path(asked["bodies"]).read_bytes().splitlines()
    deployable = compiled(EPL.format(timespan_s=asked["timespan_s"]))
    rounds, missing = [], []
    for number in range(asked["rounds"]):
        started = time.thread_time()
        for body in bodies:
            orjson.loads(body)
        bare = time.thread_time() - started
        runtime, kept = fresh_runtime(deployable, f"round-{number}")
        took = sent(runtime, batches)
        rounds.append([bare, took])
        missing = sorted(int(row.get("id")) for row in iterated(kept))
        runtime.destroy()
    print(json.dumps({"rounds": rounds, "missing": missing}))


def java_batches(path: Path) -> list[tuple[int, Any]]:
    """(milliseconds, [(kind, list of Java arrays)]) with runs of one kind together, in the order of the file."""
    list_class, array = jpype.JClass("java.util.ArrayList"), jpype.JArray(jpype.JObject)
    rows = (line.split(" ") for line in path.read_text("utf-8").splitlines())
    batches = []
    for at, group in itertools.groupby(rows, key=lambda row: row[0]):
        runs = []
        for kind, run in itertools.groupby(group, key=lambda row: row[1]):
            events = list_class()
            for row in run:
                events.add(array([jpype.JString(row[2]), jpype.JInt(int(row[3]))]))
            runs.append((kind, events))
        batches.append((int(at) * 1000, runs))
    return batches


def compiled(epl: str) -> Any:
    arguments = client("compiler.client.CompilerArguments")(configuration())
    byte_code = arguments.getConfiguration().getCompiler().getByteCode()
    # Events are sent by the names of their types.
    byte_code.setBusModifierEventType(client("common.client.util.EventTypeBusModifier").BUS)
    byte_code.setAccessModifierEventType(client("common.client.util.NameAccessModifier").PUBLIC)
    return client("compiler.client.EPCompilerProvider").getCompiler().compile(epl, arguments)


def client(name: str) -> Any:
    """A class of Esper's."""
    return jpype.JClass(f"com.espertech.esper.{name}")


def configuration() -> Any:
    made = client("common.client.configuration.Configuration")()
    made.getRuntime().getThreading().setInternalTimerEnabled(False)
    return made


def fresh_runtime(deployable: Any, name: str) -> tuple[Any, Any]:
    runtime = client("runtime.client.EPRuntimeProvider").getRuntime(name, configuration())
    runtime.getEventService().advanceTime(0)
    deployed = runtime.getDeploymentService().deploy(deployable)
    kept = next(s for s in deployed.getStatements() if str(s.getName()) == "kept")
    return runtime, kept


def sent(runtime: Any, batches: list[tuple[int, Any]]) -> float:
    service = runtime.getEventService()
    send = {kind: sender(service, kind) for kind in ("A", "B")}
    started = time.thread_time()
    for at_ms, runs in batches:
        service.advanceTime(at_ms)
        for kind, events in runs:
            events.forEach(send[kind])
    return time.thread_time() - started


def sender(service: Any, kind: str) -> Any:
    """A Java Consumer made of Esper's own method, so that sending a list is a loop in Java."""
    handles = jpype.JClass("java.lang.invoke.MethodHandles")
    proxies = jpype.JClass("java.lang.invoke.MethodHandleProxies")
    kinds = jpype.JClass("java.lang.invoke.MethodType")
    interface = client("common.client.EventSender")
    found = service.getEventSender(kind)
    takes = kinds.methodType(jpype.JClass("java.lang.Void").TYPE, jpype.JClass("java.lang.Object").class_)
    handle = handles.publicLookup().findVirtual(interface.class_, "sendEvent", takes).bindTo(found)
    return proxies.asInterfaceInstance(jpype.JClass("java.util.function.Consumer").class_, handle)


def iterated(statement: Any) -> Any:
    rows = statement.safeIterator()
    try:
        while rows.hasNext():
            yield rows.next()
    finally:
        rows.close()


if __name__ == "__main__":
    main()
