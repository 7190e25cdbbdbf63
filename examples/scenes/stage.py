"""What all scenes need: a folder, programs in the background, and a table."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

PORT = int(os.environ.get("LEASTWISE_PORT", "18200"))
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"

NGINX = """\
{user}
{modules}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log notice;
events {{ worker_connections 4096; }}
"""
HTTP = """\
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    {inside}
    server {{
        listen 127.0.0.1:{status};
        location / {{ leastwise_status html; }}
    }}
}}
"""


def program(name):
    return os.environ["LEASTWISE_" + name]


class Stage(contextlib.ExitStack):
    def __init__(self):
        super().__init__()
        self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory(prefix="leastwise.")))
        self.folder.chmod(0o755)  # the workers may be another user

    def run(self, name, *command):
        """In the background, until the stage ends."""
        log = self.enter_context(open(self.folder / f"{name}.log", "wb"))
        process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT)

        def stop():
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.callback(stop)
        return process

    def start(self, name, port, *command):
        """The same, and waits until something listens there."""
        process = self.run(name, *command)
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return process
            if process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"{name} did not start; its output:\n" + (self.folder / f"{name}.log").read_text())

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    def nginx(self, port, text, modules):
        head = NGINX.format(folder=self.folder, user="user root;" if os.geteuid() == 0 else "",
                            modules="\n".join(f"load_module {m};" for m in modules))
        conf = self.write("nginx.conf", head + text)
        self.start("nginx", port, "/usr/sbin/nginx", "-p", self.folder, "-c", conf)

    def http(self, port, inside):
        """nginx with what is inside of http {}, and the live page at `status`."""
        status = PORT + 1
        self.nginx(port, HTTP.format(folder=self.folder, inside=inside, status=status),
                   [program("MODULE")])
        return f"http://127.0.0.1:{status}/"

    def backends(self, config):
        self.start("servers", config["control"], program("BACKENDS"),
                   self.write("servers.json", config), "--die-with-parent")

    def load(self, name, port, seconds, *options):
        """What the load generator reports."""
        print(f"  {name}: {seconds} s", file=sys.stderr)
        done = subprocess.run([program("LOAD"), "--port", str(port), "--seconds", str(seconds), "--seed",
                               "1", "--json", *options], stdout=subprocess.PIPE, timeout=seconds + 60,
                              check=False)
        if done.returncode not in (0, 3):
            sys.exit(f"the load generator failed: status {done.returncode}")
        if done.returncode == 3:
            print("  this machine was too busy to send on time; see only ratios", file=sys.stderr)
        return json.loads(done.stdout)


def reset(control):
    """Servers as they were at the start, and their schedule from its beginning."""
    urllib.request.urlopen(f"http://127.0.0.1:{control}/reset", timeout=5).read()


def shares(summary, names):
    total = sum(summary["servers"].values()) or 1
    return [100 * summary["servers"].get(n, 0) / total for n in names]


def table(titles, rows):
    """Right-aligned, but for the first column."""
    rows = [[str(c) for c in row] for row in (titles, *rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(titles))]
    for row in rows:
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(row, widths))).rstrip())


def wait_for_the_end():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
