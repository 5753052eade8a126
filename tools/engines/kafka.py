"""One Kafka broker that is its own controller (KRaft), from the jars of ``make engines``."""

from __future__ import annotations

import base64
import socket
import subprocess
import uuid
from pathlib import Path

from tools.engines.process import CACHE, EngineMissing, EngineProcess, answers, free_port, program

LIBRARIES = CACHE / "kafka" / "libs"
"""Where the jars lie."""

_SERVER = "kafka-server-4.2.0.jar"
_LOG4J = """\
<Configuration status="error">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d{HH:mm:ss.SSS} %p %c{1} %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Root level="warn"><AppenderRef ref="out"/></Root>
    <Logger name="kafka.server.KafkaRaftServer" level="info"/>
  </Loggers>
</Configuration>
"""
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=2000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.dedupe.buffer.size=2097152
"""


class KafkaBroker:
    """A broker with everything it stores in ``folder``; after ``kill`` a ``start`` finds it again.

    A ``brief`` one starts in two thirds of the time and idles at half the cost, and carries less.

    Raises:
        EngineMissing: Java or the jars are not there.
    """

    def __init__(self, folder: Path, port: int | None = None, *, brief: bool = False) -> None:
        if not (LIBRARIES / _SERVER).exists():
            message = "Kafka is not installed. Run: make engines"
            raise EngineMissing(message)
        java = program("java")
        self.folder = folder
        self.port = port or free_port()
        self._controller = free_port()
        self._settings = folder / "server.properties"
        quiet = f"-Dlog4j2.configurationFile={folder}/log4j2.xml"
        size = ["-Xmx256m", "-XX:TieredStopAtLevel=1"] if brief else ["-Xmx384m"]
        self._java = [java, *size, "-XX:+UseSerialGC", quiet, "-cp", f"{LIBRARIES}/*"]
        command = [*self._java, "kafka.Kafka", str(self._settings)]
        self._broker = EngineProcess("kafka", command, folder)

    @property
    def bootstrap(self) -> str:
        """``host:port``, as clients want it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start on what the folder holds; an empty one is formatted first. Takes 3 to 8 s."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j2.xml").write_text(_LOG4J)
        self._settings.write_text(
            _SETTINGS.format(port=self.port, controller=self._controller, folder=self.folder)
        )
        if not (self.folder / "log" / "meta.properties").exists():
            self._format()
        self._broker.start(lambda: _serves(self.port))

    def stop(self) -> None:
        """Ask it to end; what it holds is closed in order."""
        self._broker.stop()

    def kill(self) -> None:
        """SIGKILL: the next start recovers the log."""
        self._broker.kill()

    def pause(self) -> None:
        """Connections stay, nothing is answered."""
        self._broker.pause()

    def resume(self) -> None:
        """Go on after ``pause``."""
        self._broker.resume()

    @property
    def running(self) -> bool:
        return self._broker.running

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # A leading dash would be read as an option.
        identity = ["--cluster-id", cluster.replace("-", "a"), "--config", str(self._settings)]
        command = [*self._java, "kafka.tools.StorageTool", "format", *identity]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)


# The shortest request of the protocol: ApiVersions v0, correlation 7, client "t".
_HELLO = b"\x00\x12\x00\x00\x00\x00\x00\x07\x00\x01t"


def _serves(port: int) -> bool:
    """Whether the broker answers requests; it listens some time before it does."""
    if not answers(port):
        return False
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as client:
            client.sendall(len(_HELLO).to_bytes(4, "big") + _HELLO)
            return len(client.recv(4)) > 0
    except OSError:
        return False
