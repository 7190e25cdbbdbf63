"""What the agent asks of HAProxy's runtime API, and what that costs HAProxy.

Usage: runtime_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import pathlib
import re
import select
import signal
import socket
import sys
import threading
import time
import unittest

import stack
from stack import Stack, load, say, settled, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
FOREIGN = "\n".join(
    f"backend foreign{b}\n" + "\n".join(f"    server f{i} 127.0.0.1:9 disabled" for i in range(100))
    for b in range(50))


def workers_of(master):
    return [int(w) for w in
            pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def answer_agent_checks(listener, answer):
    try:
        while True:
            with listener.accept()[0] as check:
                check.sendall(answer)
    except OSError:
        pass


def cpu_of_workers(master):
    """Seconds that all threads of the master's workers have used."""
    return sum(int(thread.read_text().split()[0]) / 1e9
               for worker in workers_of(master)
               for thread in pathlib.Path(f"/proc/{worker}/task").glob("*/schedstat"))


class Relay:
    """Stands where HAProxy's socket was, passes all on, and keeps what was said."""

    def __init__(self, test, folder):
        self.connections, self.asked, self.answered = 0, b"", b""
        (folder / "admin.sock").rename(folder / "real.sock")
        self.real = str(folder / "real.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / "admin.sock"))
        listener.listen(64)
        test.addCleanup(listener.close)
        threading.Thread(target=self.serve, args=(listener,), daemon=True).start()

    def serve(self, listener):
        try:
            while True:
                with listener.accept()[0] as agent, socket.socket(socket.AF_UNIX) as haproxy:
                    haproxy.connect(self.real)
                    self.connections += 1
                    self.pass_on(agent, haproxy)
        except OSError:
            pass

    def pass_on(self, agent, haproxy):
        while True:
            for ready in select.select([agent, haproxy], [], [])[0]:
                part = ready.recv(65536)
                if not part:
                    return
                if ready is agent:
                    self.asked += part
                    haproxy.sendall(part)
                else:
                    self.answered += part
                    agent.sendall(part)


class LongName(Stack):
    """One of the servers has a name that is longer than all that is shown of it."""
    NAME = "long" * 75

    def write_files(self):
        super().write_files()
        file = self.folder / "haproxy.cfg"
        file.write_text(file.read_text().replace("server s3 ", f"server {self.NAME} "))
        self.names.remove("s3")


class Runtime(unittest.TestCase):
    def test_is_asked_for_our_backends_only(self):
        # A frontend may have the name of a backend.
        with Stack(server_options="maxconn 9", edit=[
                ("frontend web", "frontend app"),
                ("defaults leastwise", FOREIGN + "\n\ndefaults leastwise")]) as s:
            for peer in s.peers().values():
                self.assertEqual(peer["max_conns"], 9)
            cpu, begin = cpu_of_workers(s.processes["haproxy"].pid), time.monotonic()
            time.sleep(5)
            used = cpu_of_workers(s.processes["haproxy"].pid) - cpu
            say(self, foreign_servers=5000,
                haproxy_cpu_percent=round(100 * used / (time.monotonic() - begin), 3))
            # The connections that there were would go on beside the relay, which takes one at a time:
            # the first of the next agent, which the counts of requests in flight are read beside.
            s.end("agent")
            relay = Relay(self, s.folder)
            s.start_agent()
            until(lambda: relay.asked.count(b"show stat +") >= 4)
            begin, rounds = len(relay.answered), relay.asked.count(b"show stat +")
            until(lambda: relay.asked.count(b"show stat +") >= rounds + 4)
            rounds = relay.asked.count(b"show stat +") - rounds
            per_round = (len(relay.answered) - begin) / rounds
            say(self, rounds=rounds, bytes_per_round=round(per_round))
            self.assertNotIn(b"foreign", relay.answered)
            self.assertLess(per_round, 12000, "of 5,003 servers three were told of")
            self.assertEqual(relay.connections, 1, "it stays open")
            commands = set(re.split(rb"[;\n]", relay.asked)) - {b""}
            self.assertEqual({re.sub(rb"[+]\d+", b"+N", c) for c in commands},
                             {b"prompt", b"show version", b"show info",
                              b"show servers state app", b"show stat +N 4 -1"})
            s.runtime("set maxconn server app/s2 7", "real.sock")
            until(lambda: s.peers()["s2"]["max_conns"] == 7)

    def test_level_user_is_enough_and_servers_may_have_long_names(self):
        name = LongName.NAME
        with LongName(edit=[("level admin", "level user")]) as s:
            until(lambda: len(s.peers()) == 3)
            load("--connections", 4, "--requests", 300)
            shown = [p for p in s.peers() if p.startswith("longlong")]
            self.assertEqual(len(shown), 1)
            settled(s)
            peer = s.peers()[shown[0]]
            say(self, name_has=len(name), shown_as=shown[0], picks=peer["leastwise"]["picks"])
            self.assertGreater(peer["leastwise"]["results"]["ok"], 50)

    def test_states_and_weights_of_all_kinds_are_followed(self):
        extra = "\n".join([
            "    server off 127.0.0.1:9 disabled", "    server none 127.0.0.1:9 weight 0",
            "    server follower 127.0.0.1:21010 track app/s1",
            "    server agent 127.0.0.1:21011 weight 40 agent-check agent-port 21009 agent-inter 200ms",
            "    server slow 127.0.0.1:21012 weight 10 slowstart 60s", ""])
        with Stack(edit=[("\n# Apart from", extra + "\n# Apart from")]) as s:
            listener = socket.create_server(("127.0.0.1", 21009))
            self.addCleanup(listener.close)
            threading.Thread(target=answer_agent_checks, args=(listener, b"50% maxconn:5\n"),
                             daemon=True).start()
            until(lambda: s.peers()["agent"]["weight"] == 20)
            self.assertEqual(s.peers()["agent"]["max_conns"], 5)
            self.assertEqual(s.peers()["off"]["state"], "down")
            self.assertEqual(s.peers()["none"]["state"], "draining")
            for state, command in (("down", "set server app/s1 state maint"),
                                   ("up", "set server app/s1 state ready")):
                s.runtime(command)
                until(lambda: s.peers()["s1"]["state"] == state)
                until(lambda: s.peers()["follower"]["state"] == state)
            s.runtime("set server app/slow state maint;set server app/slow state ready")
            # In the larger unit that weights have meanwhile it would be 160.
            until(lambda: s.peers()["agent"]["weight"] == 20 * 16)
            self.assertLess(s.peers()["slow"]["weight"], 50)

    def test_a_reload_is_noticed_and_holds_no_old_process_back(self):
        with Stack() as s:
            master = s.processes["haproxy"].pid
            first = s.status()["agent"]["haproxy"]["pid"]
            s.send_signal("haproxy", signal.SIGUSR2)
            until(lambda: s.status()["agent"]["haproxy"]["pid"] not in (0, first))
            until(lambda: workers_of(master) == [s.status()["agent"]["haproxy"]["pid"]])
            self.assertEqual(s.status()["agent"]["feedback"]["restarts"], 1)
            self.assertIn("HAProxy was started anew", s.log("agent"))
            until(s.is_asked)

    def test_asks_less_often_while_nobody_answers(self):
        with Stack() as s:
            def failed():
                return s.status()["agent"]["feedback"]["failed_polls"]
            before = failed()
            s.end("haproxy", signal.SIGTERM)
            until(lambda: failed() > before)
            begin = time.monotonic()
            until(lambda: failed() >= before + 4)
            self.assertGreater(time.monotonic() - begin, 2, "after 0.5, 1, 2 seconds")
            s.start_haproxy()
            until(lambda: not s.status()["agent"]["haproxy"]["error"])
            until(s.is_asked)

    def test_the_master_socket_is_told_apart(self):
        with Stack() as s:
            s.end("haproxy", signal.SIGTERM)
            (s.folder / "admin.sock").unlink(missing_ok=True)
            master = str(s.folder / "master.sock")
            s.start("haproxy", "/usr/sbin/haproxy", "-W", "-S", master, "-f",
                    str(s.folder / "haproxy.cfg"), cwd=s.folder)
            config = s.folder / "leastwise.conf"
            config.write_text(config.read_text().replace("admin.sock", "master.sock"))
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: "master process (-S)" in s.status()["agent"]["haproxy"]["error"])

    def test_asks_for_hundreds_of_backends_by_and_by(self):
        with Stack() as s:
            names = [f"{'long' * 20}{i}" for i in range(300)]
            config = s.folder / "leastwise.conf"
            config.write_text("".join(f"backend {n} {{}}\n" for n in names) + config.read_text())
            s.end("agent")
            s.start_agent()
            until(lambda: not s.status()["agent"]["haproxy"]["stale"])
            until(lambda: set(s.peers()) == {"s1", "s2", "s3"})
            self.assertEqual(s.status()["agent"]["feedback"]["failed_polls"], 0)
            until(s.is_asked)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
