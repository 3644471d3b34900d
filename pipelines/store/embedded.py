"""A real ClickHouse server out of the ``chdb-core`` wheel, as a process of its own on loopback.

    python -m pipelines.store.embedded DIR --http-port 8123 --tcp-port 9000

``DIR`` must hold the users that ``write_users`` wrote. The server is ClickHouse's own code (clickhouse-local's
listener): HTTP, native protocol, MergeTree, views and merges are those of a full server. What differs: users come from
``users.xml`` alone (no CREATE USER), and a change there needs a restart.

How it is kept shut: chdb signs its own session in as ``default`` without a password, over a made-up 127.0.0.1, so
that user can be neither dropped nor given a password. It gets a limit of one session instead; the process's own session
is that one for as long as the listeners live, and any other is refused (USER_SESSION_LIMIT_EXCEEDED).
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from pipelines.store.disk import configuration
from pipelines.store.roles import DATABASE, FIXED, LIMITS, QUOTA, USERS, WHOLE_ANSWERS, grants, row_policies
from schemas.errors import ServiceError, UsageError, YuqingError

SERVER_MEMORY = 1_610_612_736
"""Bytes the server may take before it refuses queries (MEMORY_LIMIT_EXCEEDED, which clients retry). With two Flink
JVMs and their Python workers the whole has to stay under 6 GiB."""

PIPELINE_QUERY_MEMORY = 900_000_000
READER_THREADS = 2
STOP_TIMEOUT_S = 30.0


def write_users(directory: Path, passwords: Mapping[str, str]) -> None:
    """Write ``users.xml`` (mode 0600) for ``main``; ``passwords``: one for each of ``roles.USERS``.

    Only SHA-256 hashes of the passwords are written. Raises UsageError when one is missing or empty.
    """
    missing = [user for user in USERS if not passwords.get(user)]
    if missing:
        raise UsageError(f"no password for ClickHouse user(s) {', '.join(missing)}: pass one for each of {USERS}")
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    _write_private(directory / "users.xml", _users_config(directory.absolute(), passwords))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, then close the data directory. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.store.embedded", description="embedded ClickHouse server"
    )
    parser.add_argument("directory", type=Path, help="data directory; holds the files of write_users")
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--tcp-port", type=int, required=True)
    parser.add_argument("--disk-keys", type=int, metavar="FD", help="a pipe with disk.environment as JSON")
    options = parser.parse_args(arguments)
    try:
        if options.disk_keys is not None:
            with open(options.disk_keys, "rb") as pipe:
                os.environ.update(json.load(pipe))
        serve(options.directory.absolute(), options.http_port, options.tcp_port)
    except YuqingError as error:
        print(f"clickhouse: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def serve(directory: Path, http_port: int, tcp_port: int) -> None:
    """Run the server in this process; returns after a stop signal. Changes the working directory.

    Raises UsageError without ``users.xml`` or when another process has the directory, ServiceError when the server
    cannot start (a port that is taken, damaged data).
    """
    if not (directory / "users.xml").exists():
        raise UsageError(f"{directory / 'users.xml'} is missing: write it with write_users")
    lock = _lock(directory)  # held by this frame for the life of the server
    _write_private(directory / "config.xml", _server_config(directory, http_port, tcp_port))
    for port in (http_port, tcp_port):
        _require_free(port)
    asked_to_stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: asked_to_stop.set())
    os.chdir(directory)  # chdb reads config.xml from the working directory
    control = directory / "control.fifo"
    control.unlink(missing_ok=True)
    os.mkfifo(control, 0o600)
    server = _Server(directory, control)
    server.start()
    writer = _reader_appeared(control, server)
    if writer is not None:
        print(f"clickhouse on http://127.0.0.1:{http_port} and tcp {tcp_port}, pid {os.getpid()}", flush=True)
        while not asked_to_stop.wait(0.2) and server.is_alive():
            pass
        os.close(writer)
        server.join(STOP_TIMEOUT_S)
    os.close(lock)
    if server.is_alive():
        raise ServiceError(f"the server did not stop within {STOP_TIMEOUT_S:.0f} s")
    if not asked_to_stop.is_set():
        raise ServiceError(f"the server did not start or broke down; its messages are above. {server.failure}".strip())
    print("clickhouse stopped", flush=True)


class _Server(threading.Thread):
    """Runs the query under which the listeners live; ends when the control pipe is closed, or on an error.

    The last statement waits for the end of a pipe that nobody writes to. The output format becomes the server's
    default format, and clickhouse-connect needs TabSeparated.
    """

    def __init__(self, directory: Path, control: Path) -> None:
        super().__init__(name="clickhouse", daemon=True)
        self.data = directory / "data"
        self.query = _query_log(directory) + "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
        self.query += f"SELECT count() FROM file('{_quoted(control)}', LineAsString)"  # noqa: S608 a path of our own
        self.failure = ""

    def run(self) -> None:
        from chdb import _chdb  # 370 MB of shared library: only this process loads it

        try:
            _chdb.set_signal_handlers_enabled(False)  # type: ignore[attr-defined]
            _chdb.query(self.query, "TabSeparated", path=str(self.data))  # type: ignore[attr-defined]
        except Exception as error:  # chdb raises RuntimeError with ClickHouse's message, or prints it and returns
            self.failure = str(error).partition(" (version")[0]


def _query_log(directory: Path) -> str:
    """Statements that make the table of the query log, with the rows that an earlier server logged.

    The embedded server keeps no metadata of its database ``system``: it makes the table anew, refuses to where there is
    a folder with data of it, and then logs nothing and hangs in every flush. Parts that lie detached it does not mind,
    so that is where they wait for the new table. Their numbers say nothing: attaching gives others.
    """
    shutil.rmtree(directory / "data" / "data" / "system" / "query_log", ignore_errors=True)  # empty: see the policy
    waiting: list[str] = []
    for disk in ("sealed", "aside"):
        folder = directory / disk / "data" / "system" / "query_log"
        waiting += [part.name for part in folder.glob("detached/all_*")]
        for part in sorted(folder.glob("all_*")):
            number = next(n for n in itertools.count(1) if f"all_{n}_{n}_0" not in waiting)
            waiting.append(f"all_{number}_{number}_0")
            part.rename(folder / "detached" / waiting[-1])
        (folder / "format_version.txt").unlink(missing_ok=True)
    attached = "".join(f"ALTER TABLE system.query_log ATTACH PART '{name}'; " for name in waiting)
    return f"SYSTEM FLUSH LOGS query_log; {attached}"


def _reader_appeared(control: Path, server: _Server) -> int | None:
    """Open the control pipe for writing once the server reads it, which is after its listeners started."""
    while server.is_alive():
        try:
            return os.open(control, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        time.sleep(0.02)
    return None


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ServiceError(f"port {port} of 127.0.0.1 cannot be taken: {error.strerror}") from None


def _lock(directory: Path) -> int:
    """Take the directory's lock; the kernel gives it back when the process dies, however it dies."""
    descriptor = os.open(directory / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise UsageError(f"{directory} is in use by another ClickHouse (pid {owner}): stop that one") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _write_private(path: Path, text: str) -> None:
    aside = path.with_suffix(".new")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    aside.replace(path)


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace("'", "\\'")


def _server_config(directory: Path, http_port: int, tcp_port: int) -> str:
    at = escape(str(directory))
    disk, policy = configuration(directory, os.environ)
    return f"""<clickhouse>
  <!-- warning: lower levels would write queries, and with them data, into the log -->
  <logger><level>warning</level><log>{at}/server.log</log><errorlog>{at}/server.err.log</errorlog>
    <size>20M</size><count>3</count></logger>
  <listen_host>127.0.0.1</listen_host><http_port>{http_port}</http_port><tcp_port>{tcp_port}</tcp_port>
  <!-- its own counters, without a password; a prometheus port of its own the embedded server does not open -->
  <http_handlers><rule><url>/metrics</url><methods>GET</methods><handler><type>prometheus</type></handler></rule>
    <defaults/></http_handlers>
  <path>{at}/data/</path><user_files_path>{at}/user_files/</user_files_path>
  <user_directories><users_xml><path>{at}/users.xml</path></users_xml></user_directories>
  <timezone>UTC</timezone>
  {disk}
  <max_server_memory_usage>{SERVER_MEMORY}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size><uncompressed_cache_size>0</uncompressed_cache_size>
  <index_mark_cache_size>16777216</index_mark_cache_size><mmap_cache_size>64</mmap_cache_size>
  <background_pool_size>2</background_pool_size><background_schedule_pool_size>4</background_schedule_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size><background_common_pool_size>2</background_common_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <max_concurrent_queries>64</max_concurrent_queries><max_connections>256</max_connections>
  <keep_alive_timeout>30</keep_alive_timeout>
  <merge_tree>{policy}
    <!-- small machine: with a pool of two the defaults would keep merges waiting for more free slots than there are -->
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
  <!-- what people asked (profiles below switch it on for them only), for a month; never what the pipeline inserts -->
  <query_log><database>system</database><table>query_log</table><flush_interval_milliseconds>5000</flush_interval_milliseconds>
    <max_size_rows>4096</max_size_rows><reserved_size_rows>1024</reserved_size_rows>
    <buffer_size_rows_flush_threshold>2048</buffer_size_rows_flush_threshold>
    <engine>ENGINE = MergeTree ORDER BY event_time TTL event_date + INTERVAL 30 DAY
      SETTINGS storage_policy = 'aside'</engine></query_log>
</clickhouse>
"""


def _users_config(directory: Path, passwords: Mapping[str, str]) -> str:
    profiles = [
        # not in the profile named default: that one is the ground of every other
        "<default><log_queries>0</log_queries></default>",
        "<server_itself><max_sessions_for_user>1</max_sessions_for_user></server_itself>",
        # the text index is built when parts merge: on insert it would be a tenth of the cost of a small batch
        f"<yuqing><max_memory_usage>{PIPELINE_QUERY_MEMORY}</max_memory_usage><max_threads>2</max_threads>"
        "<exclude_materialize_skip_indexes_on_insert>phrase</exclude_materialize_skip_indexes_on_insert></yuqing>",
        "<notifier><max_memory_usage>200000000</max_memory_usage></notifier>",
    ]
    for user, limits in LIMITS.items():
        values = "".join(f"<{name}>{value}</{name}>" for name, value in {**limits, **FIXED, **WHOLE_ANSWERS}.items())
        bounds = "".join(f"<{name}><min>1</min><max>{value}</max></{name}>" for name, value in limits.items())
        bounds += "".join(f"<{name}><readonly/></{name}>" for name in FIXED)
        bounds += f"<max_threads><max>{READER_THREADS}</max></max_threads>"
        profiles.append(
            f"<{user}><readonly>2</readonly><max_threads>{READER_THREADS}</max_threads>{values}"
            f"<constraints>{bounds}</constraints></{user}>"
        )
    default = (
        "GRANT SYSTEM LISTEN, SYSTEM FLUSH LOGS ON *.*",
        "GRANT INSERT ON system.query_log",
        "GRANT READ ON FILE",
        "GRANT CREATE TEMPORARY TABLE ON *.*",
    )
    users = [_user("default", "<password></password>", "server_itself", "default", default)]
    for user in USERS:
        hashed = hashlib.sha256(passwords[user].encode()).hexdigest()
        rights = tuple(f"GRANT {grant}" for grant in grants(user, DATABASE))
        login = f"<password_sha256_hex>{hashed}</password_sha256_hex>"
        quota = user if user in LIMITS else "default"
        users.append(_user(user, login, user, quota, rights, row_policies(user)))
    bounds = "".join(f"<{name}>{value}</{name}>" for name, value in QUOTA.items())
    people = "".join(f"<{user}><interval><duration>60</duration>{bounds}</interval></{user}>" for user in LIMITS)
    quotas = f"<default/>{people}"
    return (
        f"<clickhouse>\n<profiles>\n{chr(10).join(profiles)}\n</profiles>\n"
        f"<users>\n{chr(10).join(users)}\n</users>\n<quotas>{quotas}</quotas>\n</clickhouse>\n"
    )


def _user(
    name: str, login: str, profile: str, quota: str, rights: Sequence[str], policies: Mapping[str, str] | None = None
) -> str:
    queries = "\n".join(f"    <query>{escape(right)}</query>" for right in rights)
    filters = "".join(f"<{table}><filter>{escape(rows)}</filter></{table}>" for table, rows in (policies or {}).items())
    return (
        f"<{name}>{login}<networks><ip>127.0.0.1</ip></networks><profile>{profile}</profile><quota>{quota}</quota>"
        f"\n  <grants>\n{queries}\n  </grants>\n  <databases><{DATABASE}>{filters}</{DATABASE}></databases>\n</{name}>"
    )


if __name__ == "__main__":
    sys.exit(main())
