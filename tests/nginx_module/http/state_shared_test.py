"""leastwise_state and leastwise_slots where two are in each other's way: a second nginx with the same
file, and a configuration with less room than servers were added."""

import os
import signal
import subprocess
import time
import unittest

import backend
import harness
from state_stack import A, B, NEW, PORT, Running, StateTest, add, ask, config, do, read, servers

OTHER = 20445
FOREIGN = "is written by another nginx"


class TwoNginx(StateTest):
    def other(self):
        """With the same file, on another port."""
        text = config(self.file).replace(f"127.0.0.1:{PORT};", f"127.0.0.1:{OTHER};")
        return Running(OTHER, text, workers=2)

    def lines(self, nginx):
        with open(nginx.path("error.log"), encoding="utf-8") as f:
            return [line for line in f if FOREIGN in line]

    def test_the_second_one_says_that_it_keeps_nothing_until_it_is_alone(self):
        with self.run_nginx() as first:
            self.wait_for_kept(lambda x: True, 2)
            with self.other() as second:
                harness.wait_for(lambda: self.lines(second), "the warning")
                time.sleep(1.5)
                line, = self.lines(second)
                self.assertIn(f'"{os.path.realpath(self.file)}"', line)
                self.assertIn(f"its master is process {first.process.pid})", line)
                self.assertRegex(line, r"name another file in \S+nginx\.conf:\d+, or stop that nginx")
                self.assertEqual(self.lines(first), [])
                # Alone, it writes; what it says then is its own.
                first.stop()
                harness.wait_for(lambda: "is written by this nginx now" in second.log(), "the second one to write")

    def test_reloads_and_killed_workers_are_one_nginx(self):
        with self.run_nginx() as nginx:
            self.wait_for_kept(lambda x: True, 2)
            for _ in range(2):
                nginx.reload()
            os.kill(nginx.children()[0], signal.SIGKILL)
            time.sleep(3)
            self.assertEqual(self.lines(nginx), [])
            do("PATCH", B, {"weight": 9})
            self.wait_for_kept(lambda x: f"127.0.0.1:{B}" in x, 2)

    @unittest.skipIf(harness.SANITIZED, "nginx clears its environment: the new binary has no runtime")
    def test_an_old_and_a_new_binary_side_by_side_are_one_nginx_and_so_is_the_way_back(self):
        nginx = self.run_nginx()
        with open(nginx.path("nginx.conf"), "r+", encoding="ascii") as f:
            on = f.read().replace("daemon off;", "daemon on; ")
            f.seek(0)
            f.write(on)
        subprocess.run(nginx.command(), env=nginx.environment(), check=True, timeout=30)
        self.addCleanup(harness.wait_for, lambda: not harness.listens(PORT), "nginx to end")
        self.addCleanup(subprocess.run, nginx.command("-s", "stop"), env=nginx.environment(), check=True)
        old = int(harness.wait_for(lambda: read(nginx.path("nginx.pid")), "nginx"))
        # A signal that comes before it has any waits for the next one.
        harness.wait_for(lambda: len(harness.workers_of(old)) == 2, "the workers")
        os.kill(old, signal.SIGUSR2)
        harness.wait_for(lambda: os.path.exists(nginx.path("nginx.pid.oldbin"))
                         and read(nginx.path("nginx.pid")), "the new binary")
        new = int(read(nginx.path("nginx.pid")))
        time.sleep(3)
        os.kill(old, signal.SIGWINCH)  # now the new one writes,
        time.sleep(1)
        os.kill(old, signal.SIGHUP)  # and the old one waits for it
        time.sleep(3)
        self.assertEqual(self.lines(nginx), [])
        os.kill(new, signal.SIGQUIT)
        harness.wait_for(lambda: not os.path.exists(f"/proc/{new}/exe"), "the new one to leave", 20)


class LessRoom(StateTest):
    """Configured servers win; of those that were added as many as there is room for."""

    MANY = [f"127.0.3.{i + 1}:80" for i in range(40)]

    def upstream(self, slots, servers_=f"server 127.0.0.1:{A}; server 127.0.0.1:{B};", zone=""):
        text = config(self.file, servers_).replace("leastwise_slots 4;", f"leastwise_slots {slots}; {zone}")
        return text.replace("leastwise_slots 0;", "")

    def add_many(self, n):
        for server in self.MANY[:n]:
            add_server(server)

    def warnings(self, nginx):
        with open(nginx.path("error.log"), encoding="utf-8") as f:
            return [line for line in f if "are left out" in line]

    def assert_left(self, nginx, added, slots, configured):
        """One warning that names who is gone."""
        now = ask_servers()
        kept = [s for s in added if s in now]
        self.assertEqual(len(kept), slots)
        self.assertLessEqual(set(configured), set(now))
        self.assertEqual(len(now), slots + len(configured))
        line, = self.warnings(nginx)
        self.assertIn("[warn]", line)
        self.assertIn(f"room for {slots} servers", line)
        self.assertIn(f"{len(added) - slots} that were are left out", line)
        named = line.split("add them again: ")[1].split(" while ")[0].strip().split(", ")
        self.assertEqual(set(named), set(added) - set(kept))
        self.assertNotIn("get no requests", nginx.log())
        self.assertNotIn("not all that was learned", nginx.log())

    def test_a_reload_in_the_same_zone(self):
        zone = "leastwise_zone app 4m;"
        for slots in (3, 0):
            with self.subTest(slots=slots), backend.Backends(A, B), self.run_nginx(
                    self.upstream(40, zone=zone)) as nginx:
                self.add_many(12)
                nginx.configure(self.upstream(slots, zone=zone))
                nginx.reload()
                self.assert_left(nginx, self.MANY[:12], slots, [f"127.0.0.1:{p}" for p in (A, B)])
                nginx.reload()
                self.assertEqual(len(self.warnings(nginx)), 1)
            os.unlink(self.file)

    def test_a_reload_that_makes_the_zone_smaller_and_brings_other_servers(self):
        more = [f"127.0.4.{i + 1}:80" for i in range(6)]
        both = " ".join(f"server {s} down;" for s in more) + f"server 127.0.0.1:{A};"
        with backend.Backends(A, B), self.run_nginx(self.upstream(40)) as nginx:
            self.add_many(40)
            nginx.configure(self.upstream(1, both))
            nginx.reload()
            self.assert_left(nginx, self.MANY, 1, [*more, f"127.0.0.1:{A}"])
            self.assertEqual(nginx.get("/ok").status, 200)

    def test_a_restart(self):
        with backend.Backends(A, B):
            with self.run_nginx(self.upstream(40)) as nginx:
                self.add_many(30)
                self.wait_for_kept(lambda x: len(x) == 30, 2)
                nginx.kill()
            with self.run_nginx(self.upstream(2)) as nginx:
                self.assert_left(nginx, self.MANY[:30], 2, [f"127.0.0.1:{p}" for p in (A, B)])
                self.wait_for_kept(lambda x: len(x) == 2, 2)

    def test_who_is_configured_now_takes_no_slot(self):
        with backend.Backends(A, B), self.run_nginx(self.upstream(4)) as nginx:
            for port in NEW[:2]:
                add(port, down=True)
            nginx.configure(self.upstream(1, f"server 127.0.0.1:{A}; server 127.0.0.1:{NEW[0]} down;"))
            nginx.reload()
            self.assertEqual(set(servers()), {A, *NEW[:2]})
            self.assertEqual(self.warnings(nginx), [])

    def test_a_hundred_servers_less_leave_room_for_the_one_that_is_new(self):
        hundred = " ".join(f"server 127.0.3.{i + 1}:80 down;" for i in range(100)) + f"server 127.0.0.1:{B};"
        with backend.Backends(A, B), self.run_nginx(self.upstream(0, hundred)) as nginx:
            nginx.get("/ok")
            nginx.configure(self.upstream(0, f"server 127.0.0.1:{A};"))
            nginx.reload()
            self.assertEqual(nginx.get("/ok").body, str(A))
            self.assertEqual(set(servers()), {A})
            self.assertNotRegex(nginx.log(), "get no requests|not all that was learned")


def add_server(server):
    status, answer = ask("POST", "/http/upstreams/app/servers", {"server": server, "down": True})
    assert status == 201, answer


def ask_servers():
    return [x["server"] for x in ask("GET", "/http/upstreams/app/servers")[1]]


if __name__ == "__main__":
    unittest.main()
