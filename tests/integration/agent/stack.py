"""HAProxy, its agent and emulated servers, started for one test in a folder of their own.

The configuration is examples/haproxy/ with paths and ports replaced: what is tested is what we tell
people to use.
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "haproxy"
AGENT = BACKENDS = LOAD = None  # set by the test's command line
HAPROXY = os.environ.get("LEASTWISE_HAPROXY", "/usr/sbin/haproxy")
WEB, FEEDBACK, STATUS, CONTROL, FIRST_SERVER = 21000, 21001, 21002, 21003, 21010

TCP = [("mode http", "mode tcp"),
       ("st=%ST Tw=%Tw Tc=%Tc Tr=%Tr Ta=%Ta tsc=%tsc", "Tw=%Tw Tc=%Tc Tt=%Tt ts=%ts"),
       ("[%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc", "%ft %b/%s %Tw/%Tc/%Tt %B %ts"),
       (" %hr %hs %{+Q}r", ""), ("spoe engine leastwise ", "spoe engine leastwise-tcp "),
       ("    http-response ", "    # http-response ")]

# For tests where each request must be picked. After 20 ms, as we tell people, HAProxy gives up and chooses by itself,
# and on a busy machine a process can wait for that long.
PATIENT = [("timeout processing 20ms", "timeout processing 5s")]


def until(condition, seconds=10, step=0.02):
    """What `condition` gives once it is true; fails when it does not become so in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(step)
    raise AssertionError(f"not within {seconds} s: {condition}")


def get(port, path="/", method="GET", timeout=10):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read().decode()
    finally:
        connection.close()


def is_listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Stack:
    def __init__(self, servers=3, server_options="", tcp=False, state=False, edit=(), paths=None,
                 with_names=False, spoe_edit=(), **behaviour):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leastwise-"))
        self.names = [f"s{i + 1}" for i in range(servers)]
        self.ports = dict(zip(self.names, range(FIRST_SERVER, FIRST_SERVER + servers)))
        self.server_options, self.tcp, self.edit = server_options, tcp, edit
        self.state, self.with_names, self.spoe_edit = state, with_names, spoe_edit
        self.paths = paths or {"/": 2}
        self.behaviour = {"distribution": "const", **behaviour}
        self.processes = {}

    def __enter__(self):
        try:
            self.write_files()
            self.start_backends()
            self.start_agent()
            self.start_haproxy()
            until(lambda: self.status()["agent"]["haproxy"]["stale"] is False)
            until(lambda: self.peers().keys() >= set(self.names))
            until(self.is_asked)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            try:
                os.kill(process.pid, signal.SIGCONT)
                process.kill()
            except ProcessLookupError:
                pass
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- files

    def write_files(self):
        folder = str(self.folder)
        haproxy = (EXAMPLE / "haproxy.cfg").read_text()
        head, tail = haproxy.split("    server s1 ")
        tail = tail[tail.index("\n\n"):]
        lines = [f"    server {n} 127.0.0.1:{p} check inter 500ms {self.server_options}"
                 for n, p in self.ports.items()]
        haproxy = head + "\n".join(lines) + tail
        for old, new in [("/run/haproxy/", folder + "/"), ("/run/leastwise/", folder + "/"),
                         ("/etc/haproxy/", folder + "/"), ("bind :80", f"bind 127.0.0.1:{WEB}"),
                         ("127.0.0.1:9877", f"127.0.0.1:{FEEDBACK}"),
                         *(TCP if self.tcp else ()), *self.edit]:
            assert old in haproxy, old
            haproxy = haproxy.replace(old, new)
        (self.folder / "haproxy.cfg").write_text(haproxy)
        spoe = (EXAMPLE / "leastwise.spoe.conf").read_text()
        if self.with_names:
            spoe = subprocess.run(
                [AGENT, "--generate-spoe", "app", "--servers", ",".join(self.names),
                 *(["--tcp"] if self.tcp else [])], check=True, capture_output=True, text=True).stdout
        for old, new in self.spoe_edit:
            assert old in spoe, old
            spoe = spoe.replace(old, new)
        (self.folder / "leastwise.spoe.conf").write_text(spoe)
        self.write_agent_config("policy adaptive;")

    def write_agent_config(self, backend):
        folder = str(self.folder)
        text = (EXAMPLE / "leastwise.conf").read_text()
        for old, new in [("/run/haproxy/", folder + "/"), ("/run/leastwise/", folder + "/"),
                         ("127.0.0.1:9877", f"127.0.0.1:{FEEDBACK}"),
                         ("127.0.0.1:9878", f"127.0.0.1:{STATUS}"),
                         ("policy adaptive;", backend),
                         ("state /var/lib/leastwise/", f"state {folder}/" if self.state else "# ")]:
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "leastwise.conf").write_text(text)

    # ---- processes

    def start(self, name, *command, **options):
        log = open(self.folder / f"{name}.log", "a", encoding="utf-8")
        with log:
            self.processes[name] = subprocess.Popen(command, stderr=log, **options)
        return self.processes[name]

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def start_backends(self):
        config = {"control": CONTROL, "defaults": self.behaviour, "paths": self.paths,
                  "servers": [{"name": n, "port": p} for n, p in self.ports.items()]}
        (self.folder / "backends.json").write_text(json.dumps(config))
        process = self.start("backends", BACKENDS, str(self.folder / "backends.json"),
                             stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        process.stdout.close()

    def start_agent(self, **options):
        self.start("agent", AGENT, "-c", str(self.folder / "leastwise.conf"), **options)
        until(lambda: is_listening(STATUS) or self.processes["agent"].poll() is not None)

    def start_haproxy(self):
        haproxy = self.start("haproxy", HAPROXY, "-W", "-f", str(self.folder / "haproxy.cfg"),
                             stdout=subprocess.DEVNULL, cwd=self.folder)
        try:
            until(lambda: is_listening(WEB) or haproxy.poll() is not None)
        except AssertionError as error:
            raise AssertionError(f"HAProxy does not listen; it said: {self.log('haproxy')}") from error
        if haproxy.poll() is not None:
            raise AssertionError(f"HAProxy ended with {haproxy.returncode}; it said: {self.log('haproxy')}")

    def send_signal(self, name, number):
        os.kill(self.processes[name].pid, number)

    def end(self, name, number=signal.SIGKILL):
        self.send_signal(name, number)
        return self.processes.pop(name).wait(10)

    # ---- questions

    def status(self):
        return json.loads(get(STATUS, "/status")[2])

    def peers(self):
        """By HAProxy's name of the server."""
        peers = self.status()["upstreams"].get("app", {"peers": []})["peers"]
        return {p["server"].split("@")[0]: p for p in peers}

    def picks(self):
        return {name: p["leastwise"]["picks"] for name, p in self.peers().items()}

    def sums(self):
        peers = self.peers().values()
        own = [p["leastwise"] for p in peers]
        return {"picks": sum(o["picks"] for o in own),
                "finishes": sum(sum(o["results"].values()) + o["healed"] for o in own),
                "in_flight": sum(p["active"] for p in peers)}

    def as_picked(self):
        """How many requests went to the server that the agent had picked."""
        return self.status()["agent"]["feedback"]["as_picked"]

    def is_asked(self):
        """Whether the questions of HAProxy reach the agent."""
        before = self.status()["agent"]["picks"]["picked"]
        if self.tcp:
            get(WEB)
        elif get(WEB)[0] != 200:
            return False
        return self.status()["agent"]["picks"]["picked"] > before

    def runtime(self, command, path="admin.sock"):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.folder / path))
            s.sendall(command.encode() + b"\n")
            parts = []
            while part := s.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()

    def backend(self, path):
        status, _, body = get(CONTROL, path)
        assert status == 200, (path, body)
        return body


def load(*options):
    """The JSON of one run of the load generator. Its own lateness shows in its figures, and must
    not decide a test about failures."""
    return json.loads(finish(start_load(*options)))


def start_load(*options):
    return subprocess.Popen([LOAD, "--port", str(WEB), "--json", "--max-lag", "5000",
                             *map(str, options)], stdout=subprocess.PIPE, text=True)


def finish(process):
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, process.returncode
    return out


def say(test, **figures):
    print(f"{test.id().split('.')[-1]}: " +
          ", ".join(f"{name} {value}" for name, value in figures.items()), flush=True)


def settled(s, seconds=10):
    """Every pick has its finish, and nothing is in flight."""
    def check():
        sums = s.sums()
        return sums if sums["picks"] == sums["finishes"] and sums["in_flight"] == 0 else None
    return until(check, seconds)
