"""The agent at work: a real HAProxy asks it, under load.

Usage: agent_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import json
import os
import signal
import socket
import sys
import time
import unittest

import stack
from stack import STATUS, WEB, Stack, finish, get, load, say, settled, start_load, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]


class Picks(unittest.TestCase):
    def test_are_obeyed(self):
        with Stack(spoe_edit=stack.PATIENT) as s:
            until(lambda: s.status()["agent"]["feedback"]["open"] == 0)
            before, agent_before = s.picks(), s.status()["agent"]
            served = dict.fromkeys(s.names, 0)
            for i in range(200):
                status, headers, _ = get(WEB, f"/{i % 5}/x")
                self.assertEqual(status, 200)
                served[headers["x-server"]] += 1
            settled(s)
            picks = {name: n - before[name] for name, n in s.picks().items()}
            self.assertEqual(picks, served)
            agent = s.status()["agent"]
            self.assertEqual(agent["picks"]["picked"] - agent_before["picks"]["picked"], 200)
            self.assertEqual(agent["feedback"]["elsewhere"], 0)
            for peer in s.peers().values():
                self.assertEqual(set(k for k, n in peer["leastwise"]["results"].items() if n),
                                 {"ok"})

    def test_go_where_haproxy_has_less_in_flight(self):
        with Stack() as s:
            s.backend("/set?server=s1&hang=true")
            # Until it hangs with one request, s1 has as few as the others.
            busy = start_load("--connections", 3, "--seconds", 3, "--timeout", 30)
            time.sleep(1)
            before = s.picks()
            time.sleep(1)
            after = s.picks()
            busy.kill()
            busy.communicate()
            gained = {name: after[name] - before[name] for name in s.names}
            self.assertLessEqual(gained["s1"], 1)
            self.assertGreater(gained["s2"] + gained["s3"], 50)

    def test_avoid_servers_that_are_drained_down_or_in_maintenance(self):
        with Stack() as s:
            for command in ("set server app/s1 state drain", "set server app/s1 state maint",
                            "set server app/s1 weight 0"):
                s.runtime(command)
                until(lambda: s.peers()["s1"]["state"] != "up", 3)
                before = s.picks()["s1"]
                result = load("--connections", 4, "--requests", 200)
                self.assertEqual(result["all"]["failed"], 0, command)
                self.assertEqual(s.picks()["s1"], before, command)
                self.assertNotIn("s1", result["all"]["servers"], command)
                s.runtime("set server app/s1 state ready; set server app/s1 weight 1")
                until(lambda: s.peers()["s1"]["state"] == "up", 3)
            result = load("--connections", 4, "--requests", 300)
            self.assertIn("s1", result["all"]["servers"])

    def test_follow_servers_that_come_and_go(self):
        with Stack(server_options="disabled", edit=[
                ("server s1 127.0.0.1:21010 check inter 500ms disabled",
                 "server s1 127.0.0.1:21010 check inter 500ms")]) as s:
            self.assertEqual(set(load("--connections", 2, "--requests", 50)["all"]["servers"]),
                             {"s1"})
            s.runtime("enable server app/s2")
            until(lambda: s.peers()["s2"]["state"] == "up", 5)
            self.assertEqual(set(load("--connections", 2, "--requests", 50)["all"]["servers"]),
                             {"s1", "s2"})

    def test_of_tcp(self):
        with Stack(tcp=True) as s:
            result = load("--connections", 8, "--requests", 400, "--http10")
            self.assertEqual(result["all"]["failed"], 0)
            settled(s)
            agent = s.status()["agent"]
            self.assertEqual(agent["feedback"]["garbled"], 0)
            self.assertGreaterEqual(agent["feedback"]["by_log"], 400)
            for name, n in result["all"]["servers"].items():
                self.assertGreaterEqual(s.picks()[name], n)


class Accounts(unittest.TestCase):
    def test_balance_after_a_mixed_load(self):
        """All that can become of a request, servers refuse for a while, one after the other: that is redispatched."""
        mix = ("/ok:66,/e?do=status%3A502:5,/e3?do=status%3A503:2,/r?do=reset:5,/c?do=close:5,/t?do=truncate:5,"
               "/h?do=hang:2,/tc?do=truncate-chunked:3,/g?do=garbage:3,/d?do=dribble%3A16%3A5:4")
        with Stack(edit=[("timeout server 30s", "timeout server 300ms")]) as s:
            running = start_load("--rate", 400, "--seconds", 6, "--mix", mix,
                                 "--abort-share", 0.1, "--abort-after", 3, "--no-keepalive")
            time.sleep(1)
            # Two refusals are enough to be avoided, so a single server may have none that ends as one.
            for name in ("s3", "s2", "s1"):
                s.backend(f"/set?server={name}&down=true")
                time.sleep(1.2)
                s.backend(f"/set?server={name}&down=false")
                time.sleep(0.3)
            result = json.loads(finish(running))
            begin = time.monotonic()
            sums = settled(s, 10)
            feedback = s.status()["agent"]["feedback"]
            say(self, requests=result["all"]["requests"], picks=sums["picks"],
                finishes=sums["finishes"], seconds=round(time.monotonic() - begin, 2),
                expired=feedback["expired"], late=feedback["late"], early=feedback["early"],
                elsewhere=feedback["elsewhere"], lost=feedback["lost"])
            results = [p["leastwise"]["results"] for p in s.peers().values()]
            self.assertGreater(sums["picks"], 1500)
            for kind in ("server_error", "reset", "truncated", "client_gone", "refused", "timeout"):
                self.assertGreater(sum(r[kind] for r in results), 0, kind)
            self.assertGreater(feedback["elsewhere"], 0)
            self.assertEqual(feedback["garbled"], 0)

    def test_balance_when_log_lines_are_lost(self):
        # Another port: no line arrives at all.
        with Stack(edit=[(f"log 127.0.0.1:{stack.FEEDBACK}", "log 127.0.0.1:21009")]) as s:
            self.assertEqual(load("--connections", 8, "--requests", 500)["all"]["failed"], 0)
            settled(s, 10)
            self.assertGreaterEqual(s.status()["agent"]["feedback"]["expired"], 500)


class State(unittest.TestCase):
    def test_survives_a_restart(self):
        with Stack(state=True) as s:
            load("--connections", 4, "--requests", 500)
            settled(s)
            before = self.concluded(s)
            s.end("agent")
            s.start_agent()
            until(lambda: len(s.peers()) == 3, 5)
            after = {n: p["leastwise"] for n, p in s.peers().items()}
            for name in s.names:
                self.assertEqual(after[name]["picks"], before[name]["picks"])
                self.assertTrue(after[name]["known"])
                self.assertAlmostEqual(after[name]["measured"] / before[name]["measured"], 1,
                                       delta=0.001)
                self.assertAlmostEqual(after[name]["slowness"] / before[name]["slowness"], 1,
                                       delta=0.01)

    @staticmethod
    def concluded(s):
        """The servers once how alike they are is settled, which takes looks of the agent after the last answer."""
        last = {}
        def still():
            now = {n: p["leastwise"] for n, p in s.peers().items()}
            is_still = bool(last) and all(abs(now[n]["slowness"] / last[n]["slowness"] - 1) < 0.001 for n in now)
            last.update(now)
            return is_still and now
        return until(still, 30, step=1.5)

    def test_a_second_agent_is_refused(self):
        with Stack(state=True) as s:
            first = s.processes.pop("agent")
            second = s.start("agent", stack.AGENT, "-c", str(s.folder / "leastwise.conf"))
            self.assertEqual(second.wait(5), 1)
            self.assertIn("another agent uses it", s.log("agent"))
            s.processes["agent"] = first

    def test_garbage_is_started_afresh_with_one_warning(self):
        with Stack(state=True) as s:
            s.end("agent")
            (s.folder / "spoa.state").write_bytes(os.urandom(100_000))
            s.start_agent()
            until(lambda: len(s.peers()) == 3, 5)
            self.assertEqual(s.log("agent").count("started afresh"), 1)
            until(s.is_asked)


class Operation(unittest.TestCase):
    def test_a_second_agent_on_the_same_socket_is_refused(self):
        with Stack() as s:
            config = s.folder / "second.conf"
            config.write_text(f"listen unix:{s.folder}/spoa.sock; backend app {{}}")
            second = s.start("second", stack.AGENT, "-c", str(config))
            self.assertEqual(second.wait(5), 1)
            self.assertIn("another process listens there", s.log("second"))
            until(s.is_asked)

    def test_reload_takes_a_good_file_and_keeps_the_old_one_before_a_bad(self):
        with Stack() as s:
            self.assertEqual(s.status()["upstreams"]["app"]["policy"], "adaptive")
            s.write_agent_config("policy least_conn;")
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: s.status()["upstreams"]["app"]["policy"] == "least_conn", 5)
            s.write_agent_config("policy fastest;")
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: "the old configuration stays" in s.log("agent"), 5)
            self.assertIn('leastwise.conf:9: "fastest": expected adaptive', s.log("agent"))
            self.assertEqual(s.status()["upstreams"]["app"]["policy"], "least_conn")
            until(s.is_asked)

    def test_status_is_read_only_and_closed_to_other_paths(self):
        with Stack() as s:
            for path in ("/", "/status", "/metrics", "/healthz"):
                status, headers, body = get(STATUS, path)
                self.assertEqual(status, 200, path)
                self.assertEqual(headers["x-content-type-options"], "nosniff")
                self.assertNotIn("access-control-allow-origin", headers)
                self.assertTrue(body)
                for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
                    self.assertEqual(get(STATUS, path, method)[0], 405, (method, path))
            for path in ("/x", "/status/", "/../etc/passwd", "/status%00"):
                self.assertEqual(get(STATUS, path)[0], 404, path)
            self.assertEqual(set(s.peers()), {"s1", "s2", "s3"})
            _, headers, page = get(STATUS, "/")
            self.assertIn("<title>Leastwise</title>", page)
            self.assertNotIn("unsafe", headers["content-security-policy"])
            _, headers, data = get(STATUS, "/?json")
            self.assertEqual(headers["content-type"], "application/json")
            self.assertEqual(json.loads(data)["upstreams"].keys(), {"app"})
            self.assertIn('peer="127.0.0.1:21010",server="s1"', get(STATUS, "/metrics")[2])

    def test_generates_the_questions_from_haproxys_own_list(self):
        with Stack(server_options="maxconn 9", with_names=True) as s:
            made = stack.subprocess.run(
                [stack.AGENT, "-c", str(s.folder / "leastwise.conf"), "--generate-spoe", "app"],
                capture_output=True, text=True, check=True).stdout
            for name in s.names:
                self.assertIn(f"c_{name}=srv_conn(app/{name})", made)
                self.assertIn(f"q_{name}=srv_queue(app/{name})", made)
            (s.folder / "leastwise.spoe.conf").write_text(made)
            s.send_signal("haproxy", signal.SIGUSR2)
            time.sleep(1)
            until(s.is_asked)

    def test_peers_that_stay_silent_or_talk_nonsense_do_not_disturb(self):
        with Stack() as s:
            path = str(s.folder / "spoa.sock")
            peers = []
            for i in range(200):
                peer = socket.socket(socket.AF_UNIX)
                peer.connect(path)
                if i % 2:
                    peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                peers.append(peer)
            result = load("--connections", 8, "--requests", 1000)
            self.assertEqual(result["all"]["failed"], 0)
            self.assertEqual(s.status()["agent"]["feedback"]["elsewhere"], 0)
            until(lambda: s.status()["agent"]["picks"]["protocol_errors"] == 100)
            for peer in peers[::2]:
                peer.settimeout(10)
                self.assertEqual(peer.recv(1), b"", "closed for its silence")
            for peer in peers:
                peer.close()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
