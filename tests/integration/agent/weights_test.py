"""`mode weights`: HAProxy's own weights follow what its servers do, without SPOE or log lines.

Usage: weights_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import grp
import os
import shutil
import signal
import sys
import time
import unittest

import stack
from stack import STATUS, WEB, Stack, get, is_listening, load, say, start_load, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
CHECK = 21005
HAPROXY = """global
    stats socket {folder}/admin.sock mode 660 level {level}
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend web
    bind 127.0.0.1:{web}
    default_backend app
backend app
    balance {balance}
{servers}
"""
# The two lines of docs/weights.md, and the status page to look at.
TWO_LINES = "haproxy_socket {folder}/admin.sock;\nbackend app {{ mode weights; }}\n"


class Steered(Stack):
    def __init__(self, level="admin", balance="random(2)", **options):
        super().__init__(paths={"/": 5}, **options)
        self.level, self.balance = level, balance

    def write_files(self):
        servers = "\n".join(f"    server {n} 127.0.0.1:{p} {self.server_options}"
                            for n, p in self.ports.items())
        (self.folder / "haproxy.cfg").write_text(HAPROXY.format(
            folder=self.folder, level=self.level, balance=self.balance, web=WEB, servers=servers))
        self.write_config(TWO_LINES.format(folder=self.folder))

    def write_config(self, text):
        (self.folder / "leastwise.conf").write_text(
            text + f"status 127.0.0.1:{STATUS};\n" +
            (f"state {self.folder}/state;\n" if self.state else ""))

    def is_asked(self):
        return True

    def weights(self):
        """As HAProxy has them."""
        lines = self.runtime("show servers state app").splitlines()[2:]
        return {row[3]: int(row[7]) for row in (line.split() for line in lines) if row}

    def slow_down(self, server="s3", times=10):
        self.backend(f"/set?server={server}&slow={times}")

    def is_steered(self):
        w = self.weights()
        return w if w["s1"] > 200 and w["s3"] < w["s1"] / 4 else None

    def shown_steered(self):
        """What the status says of each, once it says it of s3 too: they are set one after the other."""
        shown = {w["server"]: w for w in self.status()["agent"]["weights"]["app"]}
        return shown if shown["s3"]["factor"] < shown["s1"]["factor"] / 4 else None


class Asked(Steered):
    """Weights are asked for by agent-checks: the stats socket is of level user."""

    def __init__(self, **options):
        self.names_sent = options.pop("names_sent", {})
        super().__init__(level="user", **options)

    def write_files(self):
        super().write_files()
        file = self.folder / "haproxy.cfg"
        text = file.read_text()
        for name, port in self.ports.items():
            sent = self.names_sent.get(name, f"app/{name}\\n")
            text = text.replace(f"127.0.0.1:{port} ", f"127.0.0.1:{port} agent-check agent-addr 127.0.0.1 "
                                f'agent-port {CHECK} agent-inter 200ms agent-send "{sent}" ')
        file.write_text(text)

    def write_config(self, text):
        super().write_config(f"agent_check 127.0.0.1:{CHECK};\n" + text)

    def warnings(self):
        return self.status()["agent"]["warnings"]


class AsUnit(Steered):
    """Debian's folder, HAProxy started by root, and an agent that is in HAProxy's group or not."""

    def __init__(self, *groups, **options):
        super().__init__(**options)
        self.groups = groups

    def write_files(self):
        shutil.chown(self.folder, group="haproxy")
        self.folder.chmod(0o2775)
        super().write_files()
        shutil.copy(stack.AGENT, self.folder / "agent")

    def start_agent(self, **options):
        self.start("agent", "setpriv", "--reuid", "nobody", "--regid", "nogroup", *self.groups,
                   str(self.folder / "agent"), "-c", str(self.folder / "leastwise.conf"), **options)
        until(lambda: is_listening(STATUS) or self.processes["agent"].poll() is not None)


def can_be_anybody():
    try:
        return os.geteuid() == 0 and bool(grp.getgrnam("haproxy"))
    except KeyError:
        return False


class Weights(unittest.TestCase):
    def start_load(self):
        running = start_load("--rate", 300, "--seconds", 60)
        self.addCleanup(running.communicate)
        self.addCleanup(running.kill)

    def test_a_slow_server_gets_less_and_weights_are_given_back(self):
        with Steered(server_options="weight 10") as s:
            s.slow_down()
            self.start_load()
            weights = until(s.is_steered, 20)
            shown = until(s.shown_steered, 20)
            say(self, weights=weights, answer_ms={n: round(w["answer_ms"], 1) for n, w in shown.items()})
            self.assertEqual({w["configured"] for w in shown.values()}, {10})
            self.assertIn('leastwise_agent_weight_factor{upstream="app",server="s3"} 0.',
                          get(STATUS, "/metrics")[2])
            self.assertEqual(s.end("agent", signal.SIGTERM), 0)
            self.assertEqual(set(s.weights().values()), {10})
            self.assertEqual(get(WEB)[0], 200)

    def test_haproxy_is_asked_on_one_connection_and_not_for_counts(self):
        def connections():
            """That HAProxy has had, this one included."""
            info = dict(line.split(": ", 1) for line in s.runtime("show info").splitlines() if ": " in line)
            return int(info["CumConns"])
        with Steered() as s:
            until(lambda: s.status()["agent"]["weights"].get("app"))
            before, polls = connections(), s.status()["agent"]["feedback"]["polls"]
            until(lambda: s.status()["agent"]["feedback"]["polls"] >= polls + 4)
            self.assertEqual(connections() - before, 1)

    def test_after_reload_kill_and_another_mode_weights_are_where_they_belong(self):
        with Steered() as s:
            s.slow_down()
            self.start_load()
            until(s.is_steered, 20)
            s.send_signal("haproxy", signal.SIGUSR2)
            # The new process begins with 1 everywhere, and is told what was learned.
            until(lambda: s.status()["agent"]["feedback"]["restarts"] == 1)
            until(s.is_steered, 5)
            s.end("agent", signal.SIGKILL)
            self.assertTrue(s.is_steered(), "they stay, and HAProxy goes on")
            self.assertEqual(get(WEB)[0], 200)
            s.start_agent()
            until(lambda: s.status()["agent"]["weights"].get("app"))
            shown = s.status()["agent"]["weights"]["app"]
            self.assertEqual({w["configured"] for w in shown}, {1}, "not what another run told")
            until(s.is_steered, 20)
            s.write_config(TWO_LINES.format(folder=s.folder).replace("backend app", "backend other"))
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: set(s.weights().values()) == {1})

    def test_a_weight_set_by_hand_outlives_the_agent(self):
        def configured():
            shown = s.status()["agent"]["weights"].get("app")
            return shown and {w["server"]: w["configured"] for w in shown}
        by_hand = {"s1": 5, "s2": 20, "s3": 20}
        with Steered(server_options="weight 20", state=True) as s:
            s.slow_down()
            self.start_load()
            until(s.is_steered, 20)
            s.runtime("set server app/s1 weight 5")
            until(lambda: configured() == by_hand)
            until(lambda: s.weights()["s1"] != 5)  # steered again
            for end in (signal.SIGKILL, signal.SIGTERM):
                s.end("agent", end)
                s.start_agent()
                self.assertEqual(until(configured), by_hand)
            s.end("agent", signal.SIGTERM)
            self.assertEqual(s.weights(), by_hand)

    def test_agent_checks_are_answered_with_weights(self):
        with Asked(server_options="weight 20") as s:
            s.slow_down()
            self.start_load()
            say(self, weights=until(s.is_steered, 20))
            agent = s.status()["agent"]
            self.assertEqual((agent["warnings"], agent["feedback"]["weights_told"]), ([], 0))
            shown = {w["server"]: w for w in agent["weights"]["app"]}
            self.assertEqual({w["configured"] for w in shown.values()}, {20})
            s.send_signal("haproxy", signal.SIGUSR2)
            until(lambda: s.status()["agent"]["feedback"]["restarts"] == 1)
            until(s.is_steered, 5)  # by the first checks of the new process
            s.end("agent")
            time.sleep(1)
            self.assertTrue(s.is_steered(), "nobody answers, and they stay")
            self.assertEqual(get(WEB)[0], 200)
            self.assertNotIn(",DOWN", s.runtime("show stat app 4 -1"))
            s.start_agent()
            until(lambda: s.status()["agent"]["weights"].get("app"))
            s.write_config(TWO_LINES.format(folder=s.folder).replace("app {", "other {"))
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: set(s.weights().values()) == {20})

    def test_an_agent_check_that_asks_about_nobody_is_a_warning(self):
        with Asked(names_sent={"s2": "app/S2\\n", "s3": "app/s3"}) as s:
            until(lambda: 'agent_check: asked about "app/S2"' in s.log("agent"))
            until(s.warnings)
            self.assertIn('agent-send "app/s2\\n"', s.warnings()[0]["text"])

    def test_why_weights_are_not_steered_is_said_once(self):
        for options, reason in (({"level": "operator"}, 'the stats socket needs "level admin"'),
                                ({"balance": "static-rr"}, 'use "balance random(2)"')):
            with self.subTest(reason), Steered(**options) as s:
                s.slow_down()
                def is_said():
                    load("--rate", 200, "--seconds", 1)
                    return reason in s.log("agent")
                until(is_said, 20)
                load("--rate", 200, "--seconds", 2)
                self.assertEqual(s.log("agent").count("weights are not steered"), 1)
                agent = s.status()["agent"]
                self.assertIn(reason, agent["warnings"][0]["text"])
                self.assertEqual(agent["feedback"]["weights_told"], 0)
                self.assertIn('leastwise_agent_learning_warning{about="not_steered"} 1',
                              get(STATUS, "/metrics")[2])

    def test_a_backend_that_haproxy_does_not_have_is_a_warning(self):
        with Steered() as s:
            self.assertEqual(s.status()["agent"]["warnings"], [])
            s.write_config(TWO_LINES.format(folder=s.folder) + "backend ghost { mode weights; }\n")
            s.send_signal("agent", signal.SIGHUP)
            warning = until(lambda: s.status()["agent"]["warnings"])[0]
            self.assertEqual(warning["name"], "not_steered")
            self.assertIn("backend ghost: ", warning["text"])
            until(lambda: "no backend of that name" in s.log("agent"))

    @unittest.skipUnless(can_be_anybody(), "not root, or no group haproxy")
    def test_debians_stats_socket_is_for_who_is_in_haproxys_group(self):
        with AsUnit("--groups", "haproxy") as s:
            self.assertEqual((s.folder / "admin.sock").stat().st_mode & 0o777, 0o660)
            s.slow_down()
            self.start_load()
            until(s.is_steered, 20)
            s.end("agent")
            s.groups = ("--clear-groups",)
            s.start_agent()
            until(lambda: "SupplementaryGroups=haproxy" in s.status()["agent"]["haproxy"]["error"])

    def test_it_asks_about_its_backend_alone_and_answers_no_question(self):
        with Steered() as s:
            load("--connections", 4, "--requests", 200)
            self.assertEqual(s.status()["agent"]["picks"]["asked"], 0)
            self.assertEqual(set(s.weights().values()), {1}, "equals are left alone")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
