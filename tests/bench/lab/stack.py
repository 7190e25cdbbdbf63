"""The processes of one run: servers, proxy, agent. A context manager; all end with it.

Everything runs under SCHED_RR where that is allowed, so that other work on the machine stays out.
"""
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import configuration

EXAMPLE = pathlib.Path(__file__).resolve().parents[3] / "examples/haproxy/leastwise.spoe.conf"
HAPROXY = os.environ.get("LEASTWISE_HAPROXY", "/usr/sbin/haproxy")
RR = ("chrt", "--rr", "10") if os.geteuid() == 0 and shutil.which("chrt") else ()


class Build:
    """Where the programs are."""

    def __init__(self, folder):
        folder = pathlib.Path(folder).resolve()
        self.backends = folder / "tests/bench/leastwise-backends"
        self.load = folder / "tests/bench/leastwise-load"
        self.module = folder / "nginx_module/ngx_http_leastwise_module.so"
        self.agent = folder / "spoe_agent/leastwise-spoa"
        for program in (self.backends, self.load, self.agent):
            must_exist(program)


class Stack:
    def __init__(self, build, scenario, balancer, seed):
        self.build, self.scenario, self.balancer, self.seed = build, scenario, balancer, seed
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leastwise-lab-"))
        self.processes = []
        self.running = {}  # by name
        self.proxies = []

    def __enter__(self):
        try:
            self.start_servers()
            (self.start_nginx if self.balancer.proxy == "nginx" else self.start_haproxy)()
            self.await_answer()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)

    def start(self, name, *command):
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen([*RR, *command], stdout=log, stderr=log)
        self.processes.append(process)
        self.running[name] = process
        return process

    def start_servers(self):
        config = self.write("backends.json", configuration.backends(self.scenario, self.seed))
        self.start("backends", self.build.backends, config)
        await_port(configuration.FIRST_SERVER)
        await_port(configuration.CONTROL)

    def start_nginx(self):
        must_exist(self.build.module)
        text = configuration.nginx(self.scenario, self.balancer, self.folder, self.build.module)
        config = self.write("nginx.conf", text)
        binary = self.balancer.binary or "/usr/sbin/nginx"
        self.proxies = [self.start("proxy", binary, "-p", self.folder, "-c", config)]
        await_port(configuration.WEB)

    def start_haproxy(self):
        text = configuration.haproxy(self.scenario, self.balancer, self.folder)
        config = self.write("haproxy.cfg", text)
        if self.balancer.policy:
            spoe = EXAMPLE.read_text()
            self.write("spoe.conf", spoe)
            agent = self.write("agent.conf", configuration.agent(self.balancer, self.folder))
            self.proxies.append(self.start("agent", self.build.agent, "-c", agent))
            await_port(configuration.STATUS)
        self.proxies.append(self.start("proxy", HAPROXY, "-db", "-f", config))
        await_port(configuration.WEB)
        if self.balancer.policy:
            time.sleep(1.2)  # the agent learns the servers, HAProxy that the agent is up

    @property
    def runtime_socket(self):
        """Of HAProxy, where servers have limits of their own: what waits is looked at."""
        is_limited = self.balancer.proxy == "haproxy" and "maxconn" in self.scenario.haproxy_server
        return self.folder / "admin.sock" if is_limited else None

    def await_answer(self):
        status, _ = get(configuration.WEB, "/")
        if status >= 500:  # what else a server says may be the point of the scenario
            log = (self.folder / "proxy.log").read_text(errors="replace")
            raise SystemExit(f"{self.balancer.name}: the proxy answers {status}: {log}")

    def start_others(self):
        """Load beside the one that is measured; it ends with the stack."""
        target = ("--port", str(configuration.WEB))
        if self.scenario.background:
            self.start("background", self.build.load, *target, "--seed", str(1000 + self.seed),
                       "--timeout", "60", "--seconds", "1000", *self.scenario.background)
        if self.scenario.websockets:
            helper = pathlib.Path(__file__).parent / "websockets.py"
            self.start("websockets", sys.executable, helper, str(configuration.WEB),
                       self.scenario.websockets)
            await_file(self.folder / "websockets.log")

    def check_others(self):
        """What was to go on beside the load must have: a closed websocket is a failure."""
        for name in ("background", "websockets"):
            if name in self.running and self.running[name].poll() is not None:
                log = (self.folder / f"{name}.log").read_text(errors="replace")
                raise SystemExit(f"{self.balancer.name}: {name} ended too early: {log}")

    def restart_schedule(self):
        """Events and random numbers of the servers begin anew."""
        get(configuration.CONTROL, "/reset")

    def lag_ms(self):
        """How late the servers' own timers were, in the mean."""
        return json.loads(get(configuration.CONTROL, "/stats")[1])["lag"]["mean_ms"]

    def cpu_seconds(self):
        """What proxy and agent have used, children included."""
        return sum(cpu_of(pid) for p in self.proxies for pid in family(p.pid))


def must_exist(program):
    if not program.exists():
        raise SystemExit(f"{program} is missing: build first, see tests/bench/run.sh")


def await_port(port):
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def await_file(path):
    """Until something is written in it, or the process that should is seen to have failed."""
    for _ in range(200):
        text = path.read_text(errors="replace")
        if text.startswith("ready"):
            return
        if text:
            raise SystemExit(text)
        time.sleep(0.05)
    raise SystemExit(f"{path.name}: nothing after 10 s")


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"x-u": "0.5"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def family(pid):
    yield pid
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def cpu_of(pid):
    """Seconds on a processor of all its threads, to the nanosecond."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) * 1e-9
