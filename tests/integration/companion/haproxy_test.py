"""The servers of a Service of Kubernetes become those of HAProxy."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import api_server
import backend
import companion
import harness
from stack import API, SERVERS, going, up

HAPROXY = os.environ.get("LEASTWISE_HAPROXY", "/usr/sbin/haproxy")
PORT, AGENT, STATUS = 21510, 21511, 21512
CONFIG = """
global
    stats socket {folder}/admin.sock mode 600 level {level} expose-fd listeners
    server-state-file {folder}/state
    maxconn 2000
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
    load-server-state-from-file global
frontend web
    bind 127.0.0.1:21510
    default_backend app
backend app
    balance roundrobin
    {servers}
"""
TEMPLATE = "server-template app {} 127.0.0.1:1 check inter 500ms disabled"


class HaproxyStack(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="leastwise_companion_")))
        self.backends = self.enterContext(backend.Backends(SERVERS, host="0.0.0.0"))
        self.api = self.enterContext(api_server.ApiServer(self.folder, API))
        self.companion = companion.Companion(self.folder, f"""
            haproxy_socket {self.folder}/admin.sock;
            kubeconfig {self.folder}/kubeconfig;
            status 127.0.0.1:{STATUS};
            log_level debug;
            backend app {{ discover kubernetes web:http; }}
        """)
        self.companion.write_kubeconfig(API, api_server.TOKEN)
        self.processes = []
        self.addCleanup(self.end)

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def start(self, servers=TEMPLATE.format(210), level="admin"):
        """A new process takes over from the last one, as after "systemctl reload haproxy"."""
        (self.folder / "haproxy.cfg").write_text(CONFIG.format(folder=self.folder, servers=servers, level=level),
                                                 encoding="ascii")
        old = self.processes[-1] if self.processes else None
        words = [HAPROXY, "-f", str(self.folder / "haproxy.cfg"), "-db"]
        if old is not None:
            words += ["-x", str(self.folder / "admin.sock"), "-sf", str(old.pid)]
        with open(self.folder / "haproxy.log", "ab") as log:
            self.processes.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        if old is not None:
            old.wait(20)
        harness.wait_for(lambda: harness.listens(PORT), "HAProxy to listen")

    def ask(self, command):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
            s.settimeout(10)
            s.connect(str(self.folder / "admin.sock"))
            s.sendall(command.encode() + b"\n")
            answer = b""
            while piece := s.recv(65536):
                answer += piece
            return answer.decode()

    def members(self):
        """The last number of each address -> whether it drains."""
        lines = self.ask("show servers state app").splitlines()
        columns = lines[1][2:].split()
        rows = [dict(zip(columns, line.split())) for line in lines[2:] if line]
        return {int(r["srv_addr"].rsplit(".", 1)[1]): bool(int(r["srv_admin_state"]) & 0x18) for r in rows
                if not int(r["srv_admin_state"]) & 0x23}

    def expect(self, *ups, drains=(), seconds=5.0):
        wanted = {n: False for n in ups} | {n: True for n in drains}
        try:
            harness.wait_for(lambda: self.members() == wanted, f"the servers {wanted}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {self.members()}\n{self.companion.log()}") from None

    def sessions(self):
        """By name of the server."""
        rows = [line.split(",") for line in self.ask("show stat -1 4 -1").splitlines() if line.startswith("app,")]
        return {r[1]: int(r[7]) for r in rows}

    def slice(self, name, endpoints):
        self.api.set(name, endpoints, [("http", SERVERS)])


class Haproxy(HaproxyStack):
    def test_scaling_under_load_loses_no_request(self):
        self.start()
        self.slice("a", up(1, 2, 3))
        with self.companion:
            self.expect(1, 2, 3)
            with harness.Load(PORT, clients=6, path="/ok") as load:
                grown = time.monotonic()
                for k in range(1, 4):
                    self.slice(f"s{k}", up(*range(4 + 66 * (k - 1), min(4 + 66 * k, 201))))
                self.expect(*range(1, 201), seconds=20)
                joined = time.monotonic() - grown
                before = self.sessions()
                harness.wait_for(lambda: sum(self.sessions()[n] > 0 for n in before) >= 200, "all to be used", 20)
                shrunk = time.monotonic()
                for k in range(1, 4):
                    self.slice(f"s{k}", going(*range(4 + 66 * (k - 1), min(4 + 66 * k, 201))))
                self.expect(1, 2, 3, drains=range(4, 201), seconds=20)
                drained = time.monotonic() - shrunk
                before = self.sessions()
                time.sleep(0.5)
                after = self.sessions()
                for k in range(1, 4):
                    self.slice(f"s{k}", [])
                self.expect(1, 2, 3, seconds=20)
        print(f"{load.sent} requests, {len(load.failures)} failed; all 200 in after {joined:.2f} s; 197 draining "
              f"after {drained:.2f} s, {sum(after[n] > before[n] for n in after)} used after that")
        self.assertEqual(load.failures, [])
        self.assertEqual(sum(after[n] > before[n] for n in after), 3)
        if not harness.SANITIZED:
            self.assertLess(max(joined, drained), 1)

    def test_what_stands_in_the_configuration_is_left_alone(self):
        self.start(f"server fixed 127.0.1.50:{SERVERS} check inter 500ms\n    " + TEMPLATE.format(2))
        self.slice("a", up(1, 2, 3, 4))
        with self.companion:
            self.companion.wait_for_log("no slot for 2 of them: enlarge its server-template")
            self.expect(1, 2, 50)
            self.slice("a", up(3, 4))
            self.expect(3, 4, 50)
            self.slice("a", [])
            self.expect(50)
            self.companion.wait_for_log("Service web has no server that is ready")

    def test_who_finds_no_slot_is_refused_and_the_pool_is_not_well(self):
        self.start(TEMPLATE.format(3))
        self.slice("a", up(1, 2, 3, 4))
        with self.companion:
            self.companion.wait_for_log("no slot for 1 of them")
            self.wait_for_figures(lambda f: f["servers"] == 3 and f["refused"] >= 3 and f.get("proxy_age_seconds") != 0)
            self.assertEqual(self.get("/healthz")[0], 503)
            self.assertEqual(self.companion.log().count("no slot for"), 1)
            self.slice("a", up(1, 2, 3))
            self.wait_for_figures(lambda f: f.get("proxy_age_seconds") == 0)
            self.assertEqual(self.get("/healthz"), (200, "ok\n"))
            before = self.figures()
            self.slice("a", up(2, 3, 4, 5))
            self.expect(2, 3, 4)
            self.wait_for_figures(lambda f: f["refused"] >= before["refused"] + 3 and f["proxy_age_seconds"] > 1)
            self.assertEqual(self.get("/healthz")[0], 503)
            self.assertEqual(self.companion.log().count("no slot for"), 2)
            self.assertNotIn(" refused", self.companion.log())

    def get(self, path):
        return companion.get(STATUS, path)

    def figures(self):
        lines = [re.fullmatch(r'leastwise_companion_(\w+)\{kind="backend",pool="app"(?:,\w+="(\w+)")?\} (\S+)', line)
                 for line in self.get("/metrics")[1].splitlines()]
        return {m[2] or m[1]: float(m[3]) for m in lines if m}

    def wait_for_figures(self, are_right):
        try:
            harness.wait_for(lambda: are_right(self.figures()), "the figures")
        except AssertionError as error:
            raise AssertionError(f"{error}; they are {self.figures()}\n{self.companion.log()}") from None

    def test_without_the_companion_it_goes_on_and_a_reload_is_made_good(self):
        self.start()
        self.slice("a", up(1, 2, 3))
        with self.companion:
            self.expect(1, 2, 3)
            self.companion.stop(signal.SIGKILL)
        self.assertEqual(harness.Load(PORT)._ask(), None)
        with self.companion:
            time.sleep(1)
            self.expect(1, 2, 3)
            self.assertNotIn(" added", self.companion.log().split("started")[-1])
            (self.folder / "state").write_text(self.ask("show servers state"), encoding="ascii")
            with harness.Load(PORT, clients=4, path="/ok") as load:
                self.start()
                time.sleep(1)
                self.slice("a", up(2, 3, 4))
                self.expect(2, 3, 4)
            self.assertEqual(load.failures, [])
            (self.folder / "state").unlink()
            self.start()
            self.expect(2, 3, 4)

    def test_the_agent_is_told_which_servers_are_in_another_zone(self):
        self.start(TEMPLATE.format(4))
        token = self.folder / "agent_token"
        token.write_text("x" * 32 + "\n", encoding="ascii")
        token.chmod(0o600)
        (self.folder / "leastwise.conf").write_text(
            f"listen unix:{self.folder}/spoe.sock; haproxy_socket {self.folder}/admin.sock; status 127.0.0.1:{AGENT};"
            f"control_token_file {self.folder}/agent_token; backend app {{ }}", encoding="ascii")
        text = self.companion.config.read_text(encoding="ascii")
        self.companion.config.write_text(
            f"zone zone-a; agent_control 127.0.0.1:{AGENT}; agent_token_file {self.folder}/agent_token;\n" + text, encoding="ascii")
        there = up(2, 3)
        there[0]["zone"] = "zone-b"
        self.slice("a", up(1) + there)
        with self.companion:
            self.expect(1, 2, 3)
            self.companion.wait_for_log("zones: agent 127.0.0.1:.*it goes by .locality")
            self.start_agent()
            self.wait_for_remote([2])
            there[1]["zone"] = "zone-b"
            self.slice("a", up(1) + there)
            self.wait_for_remote([2, 3])
            agent = self.processes.pop()
            agent.kill()
            agent.wait()
            self.start_agent()  # knows nothing any more
            self.wait_for_remote([2, 3])

    def start_agent(self):
        with open(self.folder / "agent.log", "ab") as log:
            self.processes.append(subprocess.Popen([companion.PROGRAM.replace("companion", "spoa"), "-c",
                                                    str(self.folder / "leastwise.conf")],
                                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        harness.wait_for(lambda: harness.listens(AGENT), "the agent")

    def wait_for_remote(self, wanted):
        def remote():
            connection = http.client.HTTPConnection("127.0.0.1", AGENT, timeout=10)
            with contextlib.closing(connection):
                connection.request("GET", "/control/9/haproxy/upstreams/app/servers", headers={"Authorization": "Bearer " + "x" * 32})
                servers = json.loads(connection.getresponse().read())
            return sorted(int(s["server"].rsplit(":")[0].rsplit(".")[-1]) for s in servers if s["remote"])
        harness.wait_for(lambda: remote() == wanted, f"{wanted} to be remote")

    def test_what_can_not_work_says_so(self):
        self.slice("a", up(1))
        with self.companion:
            self.companion.wait_for_log("admin.sock: No such file")
            self.start(f"server fixed 127.0.1.50:{SERVERS}")
            self.companion.wait_for_log('it has no slots: servers that its configuration has "disabled"', 15)
            self.start(TEMPLATE.format(2), level="user")
            self.companion.wait_for_log("HAProxy refuses .*ermission denied", 15)


if __name__ == "__main__":
    unittest.main()
