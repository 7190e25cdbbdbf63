"""leastwise_state: what operators changed outlives restarts, crashes and new binaries."""

import contextlib
import os
import random
import shutil
import signal
import stat
import subprocess
import time
import unittest

import backend
import harness
import stream_servers as s
from state_stack import A, B, C, IS_ROOT, NEW, NOBODY, PORT, STREAM_PORT, StateTest, add, config, do, read, servers


class State(StateTest):
    def change_much(self):
        do("PATCH", A, {"weight": 7, "max_conns": 90})
        do("PATCH", B, {"drain": True})
        add(NEW[0], weight=3, backup=True, max_fails=2, fail_timeout="5s")
        add(NEW[1])
        do("DELETE", NEW[1])
        add(NEW[2])
        do("PATCH", NEW[2], {"down": True})
        do("POST", A, {"for": "10m"}, "/eject")

    def assert_much(self):
        now = servers()
        self.assertEqual(set(now), {A, B, NEW[0], NEW[2]})
        self.assertEqual((now[A]["weight"], now[A]["max_conns"], now[A]["drain"]), (7, 90, False))
        self.assertEqual(now[A]["leastwise"]["changed"], ["weight", "max_conns"])
        self.assertEqual(now[A]["leastwise"]["ejected"], "operator")
        self.assertTrue(560 < now[A]["leastwise"]["ejected_for_s"] < 601, now[A])
        self.assertEqual((now[B]["weight"], now[B]["drain"]), (1, True))
        self.assertEqual((now[NEW[0]]["weight"], now[NEW[0]]["backup"], now[NEW[0]]["max_fails"],
                          now[NEW[0]]["fail_timeout"]), (3, True, 2, "5s"))
        self.assertTrue(now[NEW[0]]["leastwise"]["added"])
        self.assertTrue(now[NEW[2]]["down"])

    # ---- kept

    def test_changes_outlive_a_crash_of_all_processes(self):
        with self.run_nginx() as nginx:
            self.change_much()
            self.wait_for_kept(lambda x: len(x) == 4 and "ejected_until" in x[f"127.0.0.1:{A}"])
            info = os.stat(self.file)
            self.assertEqual(stat.S_IMODE(info.st_mode), 0o600)
            self.assertEqual(info.st_uid, NOBODY.pw_uid if IS_ROOT else os.getuid())
            nginx.kill()
        with backend.Backends(A, B, *NEW), self.run_nginx() as nginx:
            self.assert_much()
            # From the first request on: of all only the backup is neither out, drained nor down.
            self.assertEqual({nginx.get("/ok").body for _ in range(20)}, {str(NEW[0])})
            self.assertNotIn("[warn]", nginx.log())
            nginx.reload()
            self.assert_much()

    def test_the_last_change_is_written_at_the_end(self):
        for how in (signal.SIGTERM, signal.SIGQUIT):
            with self.subTest(how=how.name):
                with self.run_nginx() as nginx:
                    self.wait_for_kept(lambda x: True)
                    do("PATCH", A, {"weight": int(how)})
                    nginx.process.send_signal(how)
                    nginx.process.wait(20)
                self.assertEqual(self.kept()[f"127.0.0.1:{A}"]["changed"], {"weight": int(how)})

    def test_another_worker_writes_when_the_one_that_did_is_killed(self):
        with self.run_nginx() as nginx:
            for weight in range(2, 6):
                do("PATCH", B, {"weight": weight})
                self.wait_for_kept(lambda x, w=weight: x.get(f"127.0.0.1:{B}", {}).get(
                    "changed") == {"weight": w}, 2.5)
                workers = nginx.children()
                os.kill(workers[weight % 2], signal.SIGKILL)
                harness.wait_for(lambda old=workers: len(set(nginx.children())) == 2
                                 and nginx.children() != old, "a new worker")

    def test_a_newer_word_of_the_configuration_counts_over_a_restart_too(self):
        with self.run_nginx() as nginx:
            do("PATCH", A, {"weight": 7, "drain": True})
            add(NEW[0], weight=4)
            self.wait_for_kept(lambda x: len(x) == 2)
            nginx.kill()
        text = config(self.file, f"server 127.0.0.1:{A} weight=3; server 127.0.0.1:{C};"
                                 f" server 127.0.0.1:{NEW[0]} weight=9;")
        with self.run_nginx(text):
            now = servers()
            self.assertEqual((now[A]["weight"], now[A]["drain"]), (3, True))
            self.assertEqual(now[A]["leastwise"]["changed"], ["drain"])
            self.assertEqual((now[NEW[0]]["weight"], now[NEW[0]]["leastwise"]["added"]), (9, False))
            self.assertEqual(set(now), {A, C, NEW[0]})
            self.wait_for_kept(lambda x: set(x) == {f"127.0.0.1:{A}"}
                               and x[f"127.0.0.1:{A}"]["changed"] == {"drain": True})

    def test_two_hundred_adds_and_removes_under_load_end_as_they_should_also_after_a_crash(self):
        rng, there, latest = random.Random(1), set(), 0.0
        with backend.Backends(A, B, *NEW) as backends, self.run_nginx() as nginx:
            start = time.monotonic()
            with harness.Load(PORT, clients=8, path="/ok") as load:
                for _ in range(200):
                    port = rng.choice(NEW)
                    if port in there:
                        do("DELETE", port)
                        there.remove(port)
                        continue
                    seen, since = len(backends.requests), time.monotonic()
                    add(port)
                    there.add(port)
                    harness.wait_for(lambda p=port, n=seen: any(
                        to == p for to, _ in backends.requests[n:]), "the new one to be used")
                    latest = max(latest, time.monotonic() - since)
            seconds = time.monotonic() - start
            self.assertEqual(load.failures, [])
            self.assertLess(latest, 1 if not harness.SANITIZED else 5)
            self.assertEqual(nginx.in_flight(), 0)
            if not there:
                add(NEW[0])
                there.add(NEW[0])
            self.assertEqual(set(servers()), {A, B} | there)
            self.wait_for_kept(lambda x: set(x) == {f"127.0.0.1:{p}" for p in there}, 2.0)
            nginx.reload()
            self.assertEqual(set(servers()), {A, B} | there)
            nginx.kill()
            with self.run_nginx() as again:
                self.assertEqual(set(servers()), {A, B} | there)
                self.assertEqual({int(again.get("/ok").body) for _ in range(40)}, {A, B} | there)
        print(f"200 adds and removes in {seconds:.1f} s: {load.sent / seconds:.0f} requests/s, "
              f"{len(load.failures)} failed; the slowest new server was used after {latest:.3f} s")

    @unittest.skipIf(harness.SANITIZED, "nginx clears its environment: the new binary has no runtime")
    def test_a_new_binary_goes_on_with_the_changes_and_then_writes_its_own(self):
        nginx = self.run_nginx()
        self.addCleanup(shutil.rmtree, nginx.folder, ignore_errors=True)
        # A master in the foreground ignores the signal: it takes its parent for the old binary.
        with open(nginx.path("nginx.conf"), "r+", encoding="ascii") as f:
            on = f.read().replace("daemon off;", "daemon on; ")
            f.seek(0)
            f.write(on)
        subprocess.run(nginx.command(), env=nginx.environment(), check=True, timeout=30)
        self.addCleanup(harness.wait_for, lambda: not harness.listens(PORT), "the new binary to end")
        self.addCleanup(subprocess.run, nginx.command("-s", "stop"), env=nginx.environment(), check=True)
        harness.wait_for(lambda: harness.listens(PORT) and read(nginx.path("nginx.pid")), "nginx")
        old = int(read(nginx.path("nginx.pid")))
        self.change_much()
        self.wait_for_kept(lambda x: len(x) == 4 and "ejected_until" in x[f"127.0.0.1:{A}"])
        os.kill(old, signal.SIGUSR2)
        harness.wait_for(lambda: os.path.exists(nginx.path("nginx.pid.oldbin"))
                         and read(nginx.path("nginx.pid")), "the new binary")
        os.kill(old, signal.SIGQUIT)
        harness.wait_for(lambda: not os.path.exists(f"/proc/{old}/exe"), "the old one to leave", 20)
        self.assert_much()
        do("PATCH", B, {"weight": 42})
        self.wait_for_kept(lambda x: x[f"127.0.0.1:{B}"]["changed"] == {"weight": 42, "drain": True},
                           2.0)

    def test_servers_of_stream(self):
        file = os.path.join(self.folder, "game")
        main = (f"load_module {s.NGINX_STREAM};\nload_module {s.STREAM_MODULE};\nstream {{ upstream game {{"
                f" leastwise; leastwise_slots 2; leastwise_state {file}; server 127.0.0.1:{A} down; }}"
                f" server {{ listen 127.0.0.1:{STREAM_PORT}; proxy_pass game; }} }}")
        with self.run_nginx(main=main) as nginx:
            add(NEW[0], "game", "stream")
            harness.wait_for(lambda: self.kept("game"), "the state")
            nginx.kill()
        with self.run_nginx(main=main), backend.Backends(NEW[0]), contextlib.closing(
                s.socket.create_connection(("127.0.0.1", STREAM_PORT), 10)) as client:
            client.sendall(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(client.recv(1000).endswith(str(NEW[0]).encode()))

    # ---- damage

    def assert_neutral(self, content, said):
        with open(self.file, "wb") as f:
            f.write(content)
        if IS_ROOT:
            os.chown(self.file, NOBODY.pw_uid, NOBODY.pw_gid)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.file + ".kept")
        with self.run_nginx(workers=1) as nginx:
            now = servers()
            self.assertEqual(set(now), {A, B})
            self.assertEqual([x["leastwise"]["changed"] for x in now.values()], [[], []])
            with open(nginx.path("error.log"), encoding="utf-8") as f:  # and on stderr
                warnings = [line for line in f if "[warn]" in line]
            self.assertEqual(len(warnings), 1 if said else 0, warnings)
            if said:
                self.assertIn(said, warnings[0])
                self.assertIn("will be kept as", warnings[0])
                harness.wait_for(lambda: os.path.exists(self.file + ".kept"), "the old file aside")
                self.assertEqual(read(self.file + ".kept"), content)
            do("PATCH", A, {"weight": 5})
            self.wait_for_kept(lambda x: set(x) == {f"127.0.0.1:{A}"}, 2.0)

    def test_a_damaged_file_is_a_neutral_start_with_one_warning_and_is_kept(self):
        with self.run_nginx():
            self.change_much()
            self.wait_for_kept(lambda x: len(x) == 4)
        good = read(self.file)
        self.assert_neutral(b"", None)
        for length in (1, 20, len(good) // 2, len(good) - 3):
            with self.subTest(length=length):
                self.assert_neutral(good[:length], "cut short, or no state")
        for content, said in ((os.urandom(4096), "no state of Leastwise"),
                              (b"{}", "no state of Leastwise"),
                              (b"[" * 100_000, "no state of Leastwise"),
                              (good.replace(b'"leastwise_state": 1', b'"leastwise_state": 2'),
                               "of another version of Leastwise"),
                              (good.replace(b'"weight":7', b'"weight":0'), '"weight" is missing, or not'),
                              (good.replace(b'"weight":7', b'"weight":"x"'), '"weight" is missing, or not'),
                              (good.replace(b'"server":"', b'"server":" '), '"server" is missing, or not')):
            with self.subTest(content=content[:40], said=said):
                self.assertNotEqual(content, good)
                self.assert_neutral(content, said)

    def test_an_added_server_that_is_no_address_is_left_out(self):
        with self.run_nginx():
            add(NEW[0])
            self.wait_for_kept(lambda x: len(x) == 1)
        with open(self.file, "r+", encoding="ascii") as f:
            text = f.read().replace(f"127.0.0.1:{NEW[0]}", "example.org:80")
            f.seek(0)
            f.write(text)
            f.truncate()
        with self.run_nginx() as nginx:
            self.assertEqual(set(servers()), {A, B})
            self.assertIn('"example.org:80", which is no address', nginx.log())

    # ---- what can not be written

    def test_a_full_disk_is_told_once_and_the_old_state_stays(self):
        disk = os.path.join(self.folder, "disk")
        os.mkdir(disk)
        mount = ["mount", "-t", "tmpfs", "-o", f"size=64k,mode=755,uid={NOBODY.pw_uid}", "none", disk]
        if not IS_ROOT or subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("needs the right to mount a file system")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        file = os.path.join(disk, "app.json")
        with self.run_nginx(config(file), workers=1) as nginx:
            do("PATCH", A, {"weight": 5})
            harness.wait_for(lambda: b'"weight":5' in read(file), "the state")
            good = read(file)
            with contextlib.suppress(OSError), open(os.path.join(disk, "big"), "wb", buffering=0) as f:
                while True:
                    f.write(b"x" * 4096)
            do("PATCH", B, {"weight": 6})
            harness.wait_for(lambda: "No space left on device" in nginx.log(), "the error")
            time.sleep(1)
            self.assertEqual(nginx.log().count("can not be written"), 1)
            self.assertEqual(read(file), good)
            os.unlink(os.path.join(disk, "big"))
            harness.wait_for(lambda: "is written again" in nginx.log(), "the next try", 15)
            self.assertIn(b'"weight":6', read(file))

    def test_a_folder_that_workers_can_not_write_to_is_refused(self):
        for file, said in ((os.path.join(self.folder, "none", "app"), "can not be used: make one"),
                           (self.folder + "/", "expected a file, such as"),
                           ("/proc/leastwise", "can not be written to by user")):
            code, text = self.run_nginx(config(file)).check()
            self.assertEqual(code, 1, text)
            self.assertIn(said, text)
            self.assertRegex(text, r"nginx\.conf:\d+")
        if IS_ROOT:
            os.chown(self.folder, 0, 0)
            os.chmod(self.folder, 0o755)
            code, text = self.run_nginx().check()
            self.assertEqual(code, 1, text)
            self.assertIn('can not be written to by user "nobody"', text)
            os.chown(self.folder, 0, NOBODY.pw_gid)
            os.chmod(self.folder, 0o775)
            self.assertEqual(self.run_nginx().check()[0], 0)
        self.assertEqual(os.listdir(self.folder), [])  # -t writes nothing

    def test_two_upstreams_with_one_file_are_refused(self):
        os.symlink(self.folder, self.folder + ".link")
        self.addCleanup(os.unlink, self.folder + ".link")
        other = self.folder + ".link/app.json"
        more = f"upstream b {{ leastwise; leastwise_state {other}; server 127.0.0.1:{A}; }}"
        code, text = self.run_nginx(config(self.file, more=more)).check()
        self.assertEqual(code, 1, text)
        self.assertRegex(text, r'is the file of upstream "app" in \S+nginx.conf:\d+: expected another one for '
                               r'upstream "b" in \S+nginx.conf:\d+')
        for order in ("before", "after"):
            stream = (f"stream {{ upstream game {{ leastwise; leastwise_state {other};"
                      f" server 127.0.0.1:{A}; }} server {{ listen 127.0.0.1:{STREAM_PORT}; proxy_pass game; }} }}")
            main = f"load_module {s.NGINX_STREAM};\nload_module {s.STREAM_MODULE};\n"
            nginx = self.run_nginx(main=main + (stream if order == "before" else ""))
            if order == "after":
                with open(nginx.path("nginx.conf"), "a", encoding="ascii") as f:
                    f.write(stream)
            code, text = nginx.check()
            self.assertEqual(code, 1, text)
            self.assertIn("is the file of upstream", text)
        for lines, said in (("leastwise; leastwise_state a; leastwise_state b;", "is duplicate"),
                            ("leastwise_state a;", 'needs "leastwise"')):
            text = f"upstream c {{ {lines} server 127.0.0.1:{A}; }}"
            code, text = self.run_nginx(text).check()
            self.assertEqual(code, 1, text)
            self.assertIn(said, text)


if __name__ == "__main__":
    unittest.main()
