"""nginx with leastwise_state, whose workers are nobody, and its control."""

import contextlib
import grp
import http.client
import json
import os
import pwd
import shutil
import signal
import tempfile
import unittest

import harness

PORT, STREAM_PORT = 20430, 20431
A, B, C = 20432, 20433, 20434
NEW = [20435 + i for i in range(4)]
NOBODY = pwd.getpwnam("nobody")
GROUP = grp.getgrgid(NOBODY.pw_gid).gr_name
IS_ROOT = os.getuid() == 0


def config(state, upstream=f"server 127.0.0.1:{A} weight=2; server 127.0.0.1:{B};", name="app", more=""):
    return f"""
    upstream {name} {{
        leastwise round_robin;
        leastwise_slots 4;
        leastwise_state {state};
        {upstream}
    }}
    {more}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://{name}; }}
        location = /leastwise {{ leastwise_status; access_log off; }}
        location /control/ {{ leastwise_control; access_log off; }}
    }}
    """


class Running(harness.Nginx):
    """An nginx whose workers are nobody, as a real one's are."""

    def configure(self, http, main=""):
        super().configure(http, main)
        if IS_ROOT:
            os.chmod(self.folder, 0o755)
            with open(self.path("nginx.conf"), "r+", encoding="ascii") as f:
                text = f.read().replace("user root;", f"user nobody {GROUP};")
                f.seek(0)
                f.truncate()
                f.write(text)

    def kill(self):
        """The master and all workers at once: nobody writes a last word."""
        workers = self.children()
        for pid in (self.process.pid, *workers):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        # A worker whose master is gone is not waited for.
        harness.wait_for(lambda: not harness.listens(PORT), "the workers to end")


def ask(method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, "/control/9" + path,
                           body=json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def servers(upstream="app", kind="http"):
    """By port."""
    return {int(x["server"].rsplit(":", 1)[1]): x
            for x in ask("GET", f"/{kind}/upstreams/{upstream}/servers")[1]}


def do(method, port, body=None, action="", upstream="app", kind="http"):
    number = servers(upstream, kind)[port]["id"]
    status, answer = ask(method, f"/{kind}/upstreams/{upstream}/servers/{number}{action}", body)
    assert status == 200, answer
    return answer


def add(port, upstream="app", kind="http", **more):
    status, answer = ask("POST", f"/{kind}/upstreams/{upstream}/servers",
                         {"server": f"127.0.0.1:{port}", **more})
    assert status == 201, answer


def read(path):
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as f:
        return f.read()
    return b""


class StateTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="leastwise_state_")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        if IS_ROOT:
            os.chown(self.folder, NOBODY.pw_uid, NOBODY.pw_gid)
        self.file = os.path.join(self.folder, "app.json")

    def run_nginx(self, text=None, main="", workers=2):
        return Running(PORT, text or config(self.file), main, workers)

    def kept(self, name="app.json"):
        """What the file says, by server."""
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            with open(os.path.join(self.folder, name), encoding="utf-8") as f:
                return {x["server"]: x for x in json.load(f)["servers"]}
        return None

    def wait_for_kept(self, condition, seconds=1.0 if not harness.SANITIZED else 5.0):
        """Within a second of a change, as promised."""
        harness.wait_for(lambda: (x := self.kept()) is not None and condition(x),
                         "the state to be written", seconds)
