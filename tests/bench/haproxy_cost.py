#!/usr/bin/env python3
"""What Leastwise costs a HAProxy, by CPU time: sides take turns, medians of what each used.

    haproxy_cost.py BUILD [--rounds 5] [--seconds 3]            32 clients, 8 servers that answer at once
    haproxy_cost.py BUILD --others 10000 [--rounds 5] …         3 servers of 5 ms beside so many of another backend

Each side is a HAProxy of its own with one thread: without Leastwise; the same with `option httplog`, so that it
writes a line for each request as it does in mode pick; mode pick; mode weights. On two cores that all of it fills
the agent may wait for one, and HAProxy would leave it alone for a second after ten answers that took 20 ms; here it
waits for a second, so that all requests are asked about (`asked_percent` says whether). LEASTWISE_HAPROXY is another
than /usr/sbin/haproxy. Ports 22000 to 22199 on 127.0.0.1. As root all of it runs under SCHED_RR.
"""
import argparse
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lab"))
import balancers  # noqa: E402
import configuration  # noqa: E402
from scenario import Scenario  # noqa: E402
from stack import EXAMPLE, HAPROXY, RR, Build, await_port, cpu_of  # noqa: E402

CLIENTS, SERVERS, OURS = 32, 8, 3
PATH_MS, RATE = 5, 400  # beside many others
SIDES = {"none": "haproxy:least_conn", "httplog": "haproxy:least_conn", "question": "haproxy:leastwise",
         "pick": "haproxy:leastwise", "weights": "haproxy:weights"}
NOT_ASKED = ("log-format", "use-server", "http-response")  # of mode pick, what is more than a question


class Side:
    """One HAProxy, and its agent if it has one."""

    def __init__(self, name, number, build, scenario, folder, others):
        self.name, self.build = name, build
        self.folder = folder / name
        self.folder.mkdir()
        self.ports = {port: port + 10 * number for port in
                      (configuration.WEB, configuration.FEEDBACK, configuration.STATUS)}
        self.balancer = balancers.balancer_named(SIDES[name])
        self.scenario, self.others = scenario, others
        self.processes, self.agent = [], None
        self.start()

    @property
    def port(self):
        return self.ports[configuration.WEB]

    def text(self):
        text = configuration.haproxy(self.scenario, self.balancer, self.folder)
        text = text.replace("nbthread 2", "nbthread 1")
        if self.name == "question":
            text = "".join(line for line in text.splitlines(True) if not line.strip().startswith(NOT_ASKED))
            text = text.replace(" format raw local0\n", " format raw local0\n    option httplog\n")
        if self.name == "httplog":
            text = text.replace("frontend web\n", f"frontend web\n    log 127.0.0.1:{configuration.FEEDBACK} "
                                "format raw local0\n    option httplog\n")
        if self.others:
            text = text.replace("frontend web\n", "backend others\n    server-template w "
                                f"1-{self.others} 127.0.0.1:9 disabled\nfrontend web\n")
        return self.with_ports(text.replace("timeout check 50ms", "timeout check 1s"))

    def with_ports(self, text):
        for old, new in self.ports.items():
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        return text

    def start(self):
        (self.folder / "haproxy.cfg").write_text(self.text())
        if self.balancer.policy:
            spoe = EXAMPLE.read_text().replace("timeout processing 20ms", "timeout processing 1s")
            if self.name == "question":
                spoe = "".join(line for line in spoe.splitlines(True) if not line.strip().startswith("args"))
            (self.folder / "spoe.conf").write_text(spoe)
            (self.folder / "agent.conf").write_text(
                self.with_ports(configuration.agent(self.balancer, self.folder)))
            self.agent = self.run("agent", self.build.agent, "-c", self.folder / "agent.conf")
            await_port(self.ports[configuration.STATUS])
        else:
            self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # of log lines
            self.sink.bind(("127.0.0.1", self.ports[configuration.FEEDBACK]))
        self.proxy = self.run("proxy", HAPROXY, "-db", "-f", self.folder / "haproxy.cfg")
        await_port(self.port)

    def run(self, name, *command):
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen([*RR, *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def used(self):
        """Seconds of CPU of HAProxy and of the agent."""
        return cpu_of(self.proxy.pid), cpu_of(self.agent.pid) if self.agent else 0.0

    def asked(self):
        """How many questions the agent was asked. HAProxy leaves it alone for a while after ten that took too long."""
        if self.name != "pick":
            return 0
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[configuration.STATUS]}/status") as answer:
            return json.load(answer)["agent"]["picks"]["asked"]

    def load(self, *options):
        """What clients saw, and microseconds of CPU for each request."""
        asked, before = self.asked(), self.used()
        done = subprocess.run([*RR, self.build.load, "--port", str(self.port), "--json", "--max-lag", "5000",
                               *map(str, options)], capture_output=True, text=True, check=True)
        report = json.loads(done.stdout)
        requests = report["all"]["requests"]
        if report["all"]["failed"]:
            raise SystemExit(f"{self.name}: {report['all']['failed']} of {requests} requests failed")
        haproxy, agent = ((b - a) * 1e6 / requests for a, b in zip(before, self.used()))
        return {"haproxy_us": haproxy, "agent_us": agent, "p99_ms": report["all"]["p99_ms"],
                "requests": requests, "asked_percent": 100 * (self.asked() - asked) / requests}

    def idle(self, seconds):
        """Per cent of a core that HAProxy and the agent take while nobody asks."""
        before = self.used()
        time.sleep(seconds)
        haproxy, agent = ((b - a) * 100 / seconds for a, b in zip(before, self.used()))
        return {"haproxy_idle_percent": haproxy, "agent_idle_percent": agent}


def row(name, of, medians, reference):
    value, other = medians[name][of], medians[reference][of]
    return f"{value:9.2f}" + (f" ({value / other:.3f})" if other > 0 else " " * 8)


def show(measured):
    medians = {name: {key: statistics.median(m[key] for m in runs) for key in runs[0]}
               for name, runs in measured.items()}
    columns = list(next(iter(medians.values())))
    print("medians; in brackets the ratio to none")
    print(f"{'':9}" + "".join(f"{column:>22}" for column in columns))
    for name in medians:
        print(f"{name:9}" + "".join(f"{row(name, column, medians, 'none'):>22}" for column in columns))
    by_round = [p["haproxy_us"] / n["haproxy_us"] for p, n in zip(measured["pick"], measured["none"])]
    print("HAProxy pick/none by round: " + " ".join(f"{ratio:.3f}" for ratio in by_round))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--others", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    build = Build(options.build)
    count, ms = (OURS, PATH_MS) if options.others else (SERVERS, 0)
    scenario = Scenario("cost", "", (1,) * count, 0, (), paths={"/": ms}, weights_method="balance leastconn",
                        defaults={"slots": 0, "distribution": "const"})
    sides, backends = [], None
    with tempfile.TemporaryDirectory(prefix="leastwise-cost-") as folder:
        folder = pathlib.Path(folder)
        try:
            (folder / "backends.json").write_text(configuration.backends(scenario, 1))
            backends = subprocess.Popen([*RR, build.backends, folder / "backends.json"],
                                        stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            await_port(configuration.CONTROL)
            for number, name in enumerate(SIDES):
                sides.append(Side(name, number, build, scenario, folder, options.others))
            time.sleep(1.5)  # the agents learn the servers
            measured = {side.name: [] for side in sides}
            load = (("--rate", RATE) if options.others else ("--connections", CLIENTS))
            for _ in range(options.rounds):
                for side in sides:
                    idle = side.idle(options.seconds / 2) if options.others else {}
                    measured[side.name].append({**side.load(*load, "--seconds", options.seconds), **idle})
            show(measured)
        finally:
            for process in [p for side in sides for p in side.processes] + ([backends] if backends else []):
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
