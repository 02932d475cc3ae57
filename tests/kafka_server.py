"""A real Apache Kafka for tests: one KRaft broker on free local ports, its data in a temporary folder.

Needs Java 17 or newer and, the first time only, Maven (46 jars, kept in the user's cache folder). Knows nothing of
Almenara. Run as a program it starts a broker, prints its address and stops it on interrupt:

    python tests/kafka_server.py
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from availability import Missing

VERSION = "4.3.1"
POM = Path(__file__).parent / "kafka" / "pom.xml"
READY_S = 60.0
_STOP_S = 15.0
_CLUSTER = "QWxtZW5hcmFUZXN0c19fXw"  # any 16 bytes in base64: there is one broker, and it does not outlive the test
_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.partitions=1
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.ms=-1
"""


@contextlib.contextmanager
def running_kafka() -> Iterator[str]:
    """A running broker; gives its `host:port`. Raises Missing when this machine cannot run one."""
    java, libs = _java(), _libraries()
    with tempfile.TemporaryDirectory(prefix="almenara-kafka-") as folder:
        for attempt in range(3):  # a port that was free a moment ago may be taken
            try:
                process, bootstrap = _start(java, libs, Path(folder) / str(attempt))
                break
            except _Failed as error:
                failure = error
        else:
            raise RuntimeError(f"Kafka did not start: {failure}")
        try:
            yield bootstrap
        finally:
            _stop(process)


class _Failed(Exception):
    """One attempt to start the broker failed."""


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise Missing("Kafka: no `java` on the path (Java 17 or newer is needed)")
    return java


def _libraries() -> Path:
    """The folder of the broker's jars, fetched by Maven when it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "almenara-tests"
    libs = cache / f"kafka-{VERSION}"
    if any(libs.glob("kafka_2.13-*.jar")):
        return libs
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing(f"Kafka: its jars are not in {libs}, and there is no `mvn` on the path to fetch them")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=cache) as folder:
        work = Path(folder)
        shutil.copy(POM, work / "pom.xml")
        command = [
            maven,
            "-q",
            "-B",
            "dependency:copy-dependencies",
            "-DoutputDirectory=libs",
            "-DincludeScope=runtime",
        ]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing(f"Kafka: Maven could not fetch its jars: {_tail(done.stdout + done.stderr)}")
        with contextlib.suppress(OSError):  # another run was quicker: its folder is as good
            (work / "libs").rename(libs)
    return libs


def _start(java: str, libs: Path, home: Path) -> tuple[subprocess.Popen[bytes], str]:
    home.mkdir()
    broker, controller = _free_ports(2)
    properties = home / "server.properties"
    properties.write_text(_PROPERTIES.format(broker=broker, controller=controller, data=home / "data"), "utf-8")
    kafka = [java, *_JVM, "-cp", f"{libs}/*"]
    storage = [*kafka, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(properties)]
    formatted = subprocess.run(storage, capture_output=True, text=True, check=False)
    if formatted.returncode != 0:
        raise _Failed(_tail(formatted.stdout + formatted.stderr))
    output = home / "output.txt"
    with output.open("wb") as stream:
        command = [*_ends_with_us(), *kafka, "kafka.Kafka", str(properties)]
        process = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    try:
        _wait(process, broker)
    except BaseException as error:
        _stop(process)
        if isinstance(error, _Failed):
            raise _Failed(f"{error}: {_tail(output.read_text('utf-8', 'replace'))}") from None
        raise
    return process, f"127.0.0.1:{broker}"


def _ends_with_us() -> list[str]:
    """On Linux the broker is told to end when the test run is killed and cannot stop it."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until the broker answers an ApiVersions request: an open port alone may be a broker that is not ready."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise _Failed(f"the broker ended with code {process.returncode}")
        if _answers(port):
            return
        time.sleep(0.1)
    raise _Failed(f"the broker was not ready after {READY_S:.0f} s")


def _answers(port: int) -> bool:
    request = bytes.fromhex("0012 0000 00000001 0000")  # ApiVersions (18), version 0, correlation id 1, no client id
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(len(request).to_bytes(4, "big") + request)
            return connection.recv(8)[4:8] == b"\x00\x00\x00\x01"
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _tail(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-4:])


def main() -> None:
    """Starts a broker for work by hand."""
    with running_kafka() as bootstrap, contextlib.suppress(KeyboardInterrupt):
        print(bootstrap, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
