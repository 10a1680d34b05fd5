"""The house starts what it needs, starts the dead again, and stops what it started only."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import redis

from offline import redis_server, run_state
from offline.house import UpOptions, parse_replicas, plan_house
from offline.layout import DataDir
from offline.ports import free_ports, is_free, require_free
from offline.process import Child, Identity
from offline.readiness import SAME_FOR_S, Reasons, answers, refusal
from offline.run_state import Member, RunState
from offline.supervisor import Plan, Supervisor
from offline.up import down
from runtime.errors import SetupError
from tests.waiting import eventually

WEB = "import http.server,sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), type('H', (http.server.BaseHTTPRequestHandler,), {'do_GET': lambda s: (s.send_response(200), s.end_headers())})).serve_forever()"  # noqa: E501


def plan(name: str, folder: Path, *program: str, readiness: str = "", last: bool = False) -> Plan:
    return Plan(
        name=name,
        stage=name.split("-")[0],
        program=program,
        environment=dict(os.environ),
        log=folder / f"{name}.log",
        readiness=readiness,
        last=last,
    )


def server(name: str, folder: Path) -> Plan:
    """Plans a small web server that is ready when it answers."""
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}/readyz"
    return plan(name, folder, sys.executable, "-c", WEB, str(port), readiness=url)


class Watch:
    """What a supervisor told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.members: Sequence[Member] = ()

    def changed(self, members: Sequence[Member]) -> None:
        self.members = members


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def supervisor(watch: Watch) -> Iterator[Supervisor]:
    made = Supervisor(tell=watch.lines.append, changed=watch.changed)
    yield made
    made.stop(hurry=lambda: True)


def never() -> bool:
    return False


def test_waits_until_all_are_ready(supervisor: Supervisor, watch: Watch, tmp_path: Path) -> None:
    plans = [server("text-1", tmp_path), server("image-1", tmp_path)]
    supervisor.start(plans)
    told: list[str] = []
    assert supervisor.wait_ready(20, stop=never, told=told.append)
    assert sorted(told) == ["image-1", "text-1"]
    assert all(answers(plan.readiness) for plan in plans)


def test_a_member_that_cannot_start_is_told_with_its_last_words(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    words = json.dumps({"level": "ERROR", "message": "HEMLINE_ADDRESS is not set"})
    program = (sys.executable, "-c", f"import sys; sys.exit({words!r})")
    supervisor.start([plan("text-1", tmp_path, *program, readiness="http://127.0.0.1:1/readyz")])
    with pytest.raises(SetupError, match="text-1 cannot start: HEMLINE_ADDRESS is not set"):
        supervisor.wait_ready(20, stop=never)


REFUSES = "import http.server,sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), type('H', (http.server.BaseHTTPRequestHandler,), {'do_GET': lambda s: (s.send_response(503), s.end_headers(), s.wfile.write(sys.argv[2].encode()))})).serve_forever()"  # noqa: E501
OUTDATED = "release r-000001: the catalogue no longer tells what changed since 7: run hemline build"


def refusing(name: str, folder: Path, reason: str) -> Plan:
    """Plans a small web server that is never ready, for a reason."""
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}/readyz"
    return plan(name, folder, sys.executable, "-c", REFUSES, str(port), reason, readiness=url)


def test_members_that_are_not_ready_in_time_are_told_with_their_reasons(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    plans = [refusing(name, tmp_path, OUTDATED + "\n") for name in ("text-1", "image-1")]
    supervisor.start([*plans, server("ranking-1", tmp_path)])
    eventually(lambda: all(refusal(each.readiness) == OUTDATED for each in plans))
    with pytest.raises(SetupError) as caught:
        supervisor.wait_ready(1, stop=never)
    assert f"text-1, image-1: {OUTDATED} (see {tmp_path})" in str(caught.value)


def test_a_house_does_not_wait_for_what_somebody_has_to_do(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    supervisor.start([refusing("text-1", tmp_path, OUTDATED)])
    began = time.monotonic()
    with pytest.raises(SetupError, match="run hemline build"):
        supervisor.wait_ready(600, stop=never)
    assert time.monotonic() - began < 300


def test_only_a_reason_that_stays_and_names_its_remedy_is_hopeless() -> None:
    reasons = Reasons()
    reasons.note("image-1", "starting", 0)
    reasons.note("text-1", OUTDATED, 5)
    assert not reasons.hopeless(5 + SAME_FOR_S - 1)
    reasons.note("text-1", OUTDATED, 14)
    assert reasons.hopeless(5 + SAME_FOR_S)
    reasons.note("text-1", "", 16)
    assert not reasons.hopeless(1000)
    assert reasons.told() == "image-1: starting"


def test_a_dead_member_is_started_again_and_told(
    supervisor: Supervisor, watch: Watch, tmp_path: Path
) -> None:
    supervisor.start([server("image-1", tmp_path)])
    assert supervisor.wait_ready(20, stop=never)
    first = watch.members[0].identity
    os.kill(first.pid, signal.SIGKILL)
    supervisor.run_until(lambda: watch.members[0].restarts == 1)
    again = watch.members[0]
    assert again.identity != first
    assert again.last_exit == "SIGKILL"
    assert watch.lines == ["image-1 ended (SIGKILL): starting it again in 0.5 s"]
    eventually(lambda: answers(again.readiness))


def test_the_pause_before_a_restart_grows(
    supervisor: Supervisor, watch: Watch, tmp_path: Path
) -> None:
    supervisor.start([plan("text-1", tmp_path, sys.executable, "-c", "raise SystemExit(3)")])
    supervisor.run_until(lambda: len(watch.lines) == 3)
    assert [line.rpartition(" in ")[2] for line in watch.lines] == ["0.5 s", "1 s", "2 s"]
    assert "exit code 3" in watch.lines[0]


def test_stopping_ends_whole_groups_and_nobody_else(
    supervisor: Supervisor, watch: Watch, tmp_path: Path
) -> None:
    note = tmp_path / "worker"
    # A stage with a worker process, both deaf to SIGTERM at their second stage of life.
    program = (
        "import pathlib, signal, subprocess, sys, time;"
        f"worker = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"pathlib.Path({str(note)!r}).write_text(str(worker.pid));"
        "time.sleep(600)"
    )
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        supervisor.start([plan("image-1", tmp_path, sys.executable, "-c", program)])
        eventually(lambda: note.exists() and note.read_text() != "")
        worker = Identity.of(int(note.read_text()))
        assert worker is not None
        supervisor.stop()
        assert not watch.members[0].identity.alive()
        eventually(lambda: not worker.alive())
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_members_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    note = tmp_path / "child"
    code = (
        "import os, pathlib, sys, time; from offline.process import Child;"
        f"child = Child([sys.executable, '-c', 'import time; time.sleep(600)'], dict(os.environ),"
        f" pathlib.Path({str(tmp_path / 'log')!r}), append=False);"
        f"pathlib.Path({str(note)!r}).write_text(str(child.identity.pid)); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        eventually(lambda: note.exists() and note.read_text() != "")
        child = Identity.of(int(note.read_text()))
        assert child is not None
        # Once the tether became the program, the kernel has been asked.
        cmdline = Path(f"/proc/{child.pid}/cmdline")
        eventually(lambda: b"tether" not in cmdline.read_bytes())
        parent.kill()
        eventually(lambda: not child.alive())
    finally:
        parent.kill()
        parent.wait()


def test_another_process_with_the_same_id_is_left_alone() -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        now = Identity.of(bystander.pid)
        assert now is not None
        recycled = Identity(now.pid, now.started - 1)
        assert not recycled.alive()
        recycled.signal(signal.SIGKILL)
        assert recycled.wait(0)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_log_is_cut_when_it_grows_too_long(tmp_path: Path) -> None:
    log = tmp_path / "text-1.log"
    code = "print('x' * (33 << 20), flush=True); input()"
    child = Child([sys.executable, "-c", code], dict(os.environ), log, append=False)
    eventually(lambda: child.exit_code() is not None)
    child.cap_log()
    assert log.stat().st_size == 0
    assert (tmp_path / "text-1.log.1").stat().st_size > 32 << 20


def test_a_second_house_on_a_folder_is_refused(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    me = Identity.of(os.getpid())
    assert me is not None
    with run_state.alone(data):
        run_state.write(data, RunState(me.pid, me.started, "http://h:1", "h:2", "", ready=True))
        occupied = pytest.raises(
            SetupError, match=r"already at http://h:1: stop it with `hemline d"
        )
        with occupied, run_state.alone(data):
            pass
    with run_state.alone(data):
        assert run_state.read(data) is None


def test_the_state_of_a_dead_house_counts_for_nothing(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.run.mkdir()
    me = Identity.of(os.getpid())
    assert me is not None
    run_state.write(data, RunState(me.pid, me.started - 1, "http://h:1", "", "", ready=True))
    assert run_state.read(data) is None
    assert down(data) is False


def test_a_state_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.run.mkdir()
    for text in ("{", "[]", '{"pid": 1}', '{"members": [{"name": 1}]}'):
        data.state.write_text(text)
        with pytest.raises(SetupError, match="cannot be read: remove it"):
            run_state.read(data)


def test_a_busy_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        for first in (port, port - 1):
            with pytest.raises(SetupError, match=f"port {port} of 127.0.0.1 is busy"):
                require_free("127.0.0.1", first)
    with pytest.raises(SetupError, match="is not an IP address"):
        require_free("shop.example", 8080)
    with pytest.raises(SetupError, match="between 1 and 65534"):
        require_free("127.0.0.1", 65535)


def test_replicas_are_read_and_refused() -> None:
    assert parse_replicas(["image=2", "gateway=3"]) == {"image": 2, "gateway": 3}
    for word in ("image", "image=0", "images=2", "image=-1", "image=²", "=2", "text=17"):
        with pytest.raises(SetupError, match="--replicas takes STAGE=N"):
            parse_replicas([word])


def test_the_plan_of_a_house_wires_every_replica(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    options = UpOptions(port=9000, replicas={"image": 2, "gateway": 2})
    house = plan_house(data, options, trained=["text", "image"], environ={"PATH": "/bin"})
    plans = {plan.name: plan for plan in house.plans}
    assert list(plans) == [
        "redis", "text-1", "image-1", "image-2", "ranking-1", "gateway-1", "gateway-2",
    ]  # fmt: skip
    first, second = plans["gateway-1"], plans["gateway-2"]
    both = f"static:{plans['image-1'].address},{plans['image-2'].address}"
    assert first.environment["HEMLINE_IMAGE_TARGETS"] == both
    assert first.environment["HEMLINE_HTTP_ADDRESS"] == "127.0.0.1:9000"
    assert first.environment["HEMLINE_GRPC_ADDRESS"] == "127.0.0.1:9001"
    secrets = {plan.environment["HEMLINE_CACHE_SECRET"] for plan in (first, second)}
    assert len(secrets) == 1
    assert house.more_doors == (f"http://{second.address}",)
    assert not plans["ranking-1"].needed
    assert plans["image-2"].needed
    addresses = [plan.address for plan in house.plans]
    assert len(set(addresses)) == len(addresses)


def test_the_stages_that_follow_the_catalogue_know_where_it_is(tmp_path: Path) -> None:
    environ = {"HEMLINE_API_KEY": "hml_1_x", "PATH": "/bin"}
    house = plan_house(DataDir(tmp_path), UpOptions(), trained=[], environ=environ)
    told = {plan.stage: plan.environment for plan in house.plans}
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    for stage in ("text", "image", "ranking", "gateway"):
        assert told[stage]["HEMLINE_DATABASE_URL"] == url
        assert told[stage]["HEMLINE_MEDIA_DIR"] == str(tmp_path / "media")
    assert "HEMLINE_DATABASE_URL" not in told["redis"]
    assert told["text"]["HEMLINE_SCRATCH_DIR"] == str(tmp_path / "run")
    assert told["gateway"]["HEMLINE_KEY_FILE"] == str(tmp_path / "keys.json")
    assert all("HEMLINE_KEY_FILE" not in told[s] for s in ("text", "image", "ranking"))
    assert not [stage for stage in ("text", "gateway") if "HEMLINE_API_KEY" in told[stage]]


def test_another_database_takes_the_place_of_the_folders_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://hemline@db/shop"
    monkeypatch.setenv("HEMLINE_DATABASE_URL", url)
    data = DataDir(tmp_path).require_catalog()
    house = plan_house(data, UpOptions(), trained=[], environ={})
    told = {plan.stage: plan.environment for plan in house.plans}
    assert {told[stage]["HEMLINE_DATABASE_URL"] for stage in ("text", "image", "gateway")} == {url}


def test_a_file_is_no_catalogue_for_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEMLINE_REFUSE_SQLITE", "true")
    with pytest.raises(SetupError, match="give HEMLINE_DATABASE_URL a postgresql"):
        _ = DataDir(tmp_path).database_url
    monkeypatch.setenv("HEMLINE_DATABASE_URL", "postgresql://hemline@db/shop")
    assert DataDir(tmp_path).database_url == "postgresql://hemline@db/shop"


def test_a_redis_that_runs_already_is_used(tmp_path: Path) -> None:
    house = plan_house(
        DataDir(tmp_path),
        UpOptions(),
        trained=[],
        environ={"REDIS_URL": "redis://cache:6379/0"},
    )
    assert "redis" not in [plan.name for plan in house.plans]
    assert house.plans[-1].environment["HEMLINE_REDIS_URL"] == "redis://cache:6379/0"


@pytest.mark.parametrize("deep", [False, True], ids=["socket", "port"])
def test_redis_starts_and_keeps_nothing(deep: bool, supervisor: Supervisor, tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 90 if deep else "run")
    folder.mkdir()
    program, url = redis_server.command(redis_server.binary(), folder=folder, port=free_ports(1)[0])
    assert url.startswith("redis://" if deep else "unix://")
    supervisor.start([plan("redis", folder, *program, last=True)])
    client = redis.Redis.from_url(url)
    eventually(lambda: _pings(client))
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "allkeys-lfu"
    client.set("uf:x", b"1")
    client.close()
    supervisor.stop()
    assert not list(folder.glob("*.rdb"))


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_asking_whether_a_frozen_server_is_ready_does_not_hang() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = threading.Event()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/readyz"

        def ask() -> None:
            assert not answers(url, timeout_s=0.2)
            done.set()

        asked = threading.Thread(target=ask)
        asked.start()
        assert done.wait(20)
        asked.join()
