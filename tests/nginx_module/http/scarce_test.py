"""Memory, descriptors and places that run out: no process dies, and requests are answered again as soon
as there is enough."""

import contextlib
import os
import signal
import struct
import subprocess
import threading
import unittest

import backend
import harness

PORT = 21970
A, B, C = 21971, 21972, 21973
SCARCE = os.environ["LEASTWISE_SCARCE"]
MOST = 2000 if harness.FULL else 80
LUA = "function score(e) return e.in_flight end\n"


def config(extra="", folder=""):
    servers = "".join(f"server 127.0.0.1:{p} max_fails=0;" for p in (A, B, C))
    state = f"leastwise_state {folder}/state.json;" if folder else ""
    return f"""
        upstream app {{ leastwise; leastwise_outlier on; leastwise_report on; leastwise_slots 4; {state} {servers} }}
        upstream scripted {{ leastwise; leastwise_lua policy.lua; {servers} }}
        upstream watched {{ leastwise_observe on; least_conn; {servers} }}
        server {{
            listen 127.0.0.1:{PORT};
            {extra}
            location / {{ proxy_pass http://app; }}
            location /scripted {{ proxy_pass http://scripted; }}
            location /watched {{ proxy_pass http://watched; }}
            location = /leastwise {{ leastwise_status; }}
            location = /metrics {{ leastwise_status prometheus; }}
            location /control/ {{ leastwise_control; }}
        }}
    """


class Scarcity(harness.SharedBytes):
    """Which allocation of nginx fails; use as a context manager."""

    def environment(self, **more):
        return {"LEASTWISE_SCARCE_FILE": self.name} | more

    def let_fail(self, n):
        self.memory[:8] = struct.pack("q", n)

    @property
    def failed(self):
        return struct.unpack("q", self.memory[8:])[0]


def write_script(nginx):
    with open(nginx.path("policy.lua"), "w", encoding="ascii") as f:
        f.write(LUA)


@unittest.skipIf(harness.SANITIZED, "the sanitizer's allocator ends a process that finds none")
class Memory(unittest.TestCase):
    def setUp(self):
        self.scarcity = self.enterContext(Scarcity())

    REQUESTS = (("GET", "/ok"), ("GET", "/report/TEXT~cpu_utilization=0.5"), ("GET", f"/reset/x/{A}"), ("GET", "/scripted"),
                ("GET", "/watched"), ("GET", "/leastwise"), ("GET", "/metrics"),
                ("GET", "/control/9/http/upstreams/app/servers"))

    def test_whichever_allocation_of_a_worker_fails_it_lives_and_answers_the_next(self):
        self.enterContext(backend.Backends(A, B, C))
        nginx = harness.Nginx(PORT, "", workers=1, preload=SCARCE, environment=self.scarcity.environment())
        nginx.configure(config(folder=nginx.folder))
        write_script(nginx)
        self.enterContext(nginx)
        for method, path in self.REQUESTS:
            self.assertEqual(nginx.get(path, method).status, 200, path)
        worker, answered = nginx.children(), {}
        for n in range(1, MOST + 1):
            method, path = self.REQUESTS[n % len(self.REQUESTS)]
            # Of those that a request and the timers beside it make; then of two, of three…
            self.scarcity.let_fail(1 + n // len(self.REQUESTS) % 40)
            with contextlib.suppress(OSError, harness.http.client.HTTPException):
                status = nginx.get(path, method, timeout=2).status
                answered[status] = answered.get(status, 0) + 1
            if n % 10 == 0:
                self.scarcity.let_fail(0)
                self.assertEqual(nginx.get("/ok").status, 200)
        self.scarcity.let_fail(0)
        print(f"{MOST} requests, {self.scarcity.failed} failed allocations: answers {answered}")
        self.assertEqual(nginx.children(), worker, "the worker died")
        self.assertGreater(self.scarcity.failed, MOST / 8)  # most requests need few
        self.assertEqual({nginx.get(path, method).status for method, path in self.REQUESTS}, {200})
        harness.wait_for(lambda: nginx.in_flight() == 0, "nothing to be in flight")

    def test_whichever_allocation_fails_at_the_start_it_says_so_and_ends(self):
        codes = {}
        for n in range(1, MOST + 1, 1 if harness.FULL else 7):
            nginx = harness.Nginx(PORT, "", preload=SCARCE, environment=self.scarcity.environment(
                LEASTWISE_SCARCE_AT=str(n)))
            nginx.configure(config(folder=nginx.folder))
            write_script(nginx)
            self.addCleanup(subprocess.run, ["rm", "-rf", nginx.folder], check=True)
            code, said = nginx.check()
            self.assertIn(code, (0, 1), f"allocation {n}: {said}")
            codes[code] = codes.get(code, 0) + 1
        print(f"nginx -t with one failed allocation: exit codes {codes}")
        self.assertGreater(codes.get(1, 0), 5)

    def test_a_worker_that_starts_without_memory_does_not_crash(self):
        self.enterContext(backend.Backends(A, B, C))
        nginx = harness.Nginx(PORT, "", workers=1, preload=SCARCE, environment=self.scarcity.environment())
        nginx.configure(config(folder=nginx.folder))
        write_script(nginx)
        self.enterContext(nginx)
        fatal = 0
        for n in range(1, MOST // 10 + 1):
            old = harness.wait_for(nginx.children, "a worker")
            self.scarcity.let_fail(n)
            os.kill(old[0], 9)
            harness.wait_for(lambda old=old: old != nginx.children(), "the end of the worker")
            harness.wait_for(lambda: self.answers(nginx) or self.gave_up(nginx) > fatal, "a new worker")
            self.scarcity.let_fail(0)
            if self.gave_up(nginx) > fatal:
                # nginx itself had no memory for it, and does not try again.
                fatal = self.gave_up(nginx)
                nginx.process.send_signal(signal.SIGHUP)
            harness.wait_for(lambda: self.answers(nginx), f"an answer after allocation {n} failed")
        print(f"{MOST // 10} workers that started with one failed allocation: {fatal} did not, by nginx's own word")
        self.assertNotRegex(nginx.log(), r"exited on signal (4|6|7|8|11)\b")

    @staticmethod
    def gave_up(nginx):
        return nginx.log().count("cannot be respawned")

    @staticmethod
    def answers(nginx):
        with contextlib.suppress(OSError, harness.http.client.HTTPException):
            return nginx.get("/ok", timeout=0.5).status == 200
        return False


class Descriptors(unittest.TestCase):
    def test_a_worker_without_descriptors_answers_again_when_there_are_some(self):
        self.enterContext(backend.Backends(A, B, C))
        nginx = harness.Nginx(PORT, "", main="worker_rlimit_nofile 40;")
        nginx.configure(config(folder=nginx.folder), "worker_rlimit_nofile 40;")
        write_script(nginx)
        self.enterContext(nginx)
        worker, statuses = harness.wait_for(nginx.children, "the worker"), []

        def ask():
            with contextlib.suppress(OSError, harness.http.client.HTTPException):
                statuses.append(nginx.get("/sleep/0.3", timeout=10).status)
        threads = [threading.Thread(target=ask) for _ in range(45)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertIn("Too many open files", nginx.log())
        self.assertEqual(nginx.children(), worker)
        self.assertEqual({nginx.get("/ok").status for _ in range(10)}, {200})
        harness.wait_for(lambda: nginx.in_flight() == 0, "nothing to be in flight")
        print(f"45 clients with 40 descriptors: {len(statuses)} answers, {statuses.count(200)} of them 200")
        # Of a server that could not be asked nothing is held against it.
        self.assertEqual({p["state"] for p in nginx.peers().values()}, {"up"})


if __name__ == "__main__":
    unittest.main()
