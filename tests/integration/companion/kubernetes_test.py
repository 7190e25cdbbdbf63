"""The servers of a Service of Kubernetes become those of nginx."""

import json
import pathlib
import re
import signal
import subprocess
import time
import unittest

import api_server
import companion
import harness
from stack import PORT, SERVERS, Stack, going, ip, up

AWAY = 30 if harness.FULL else 1  # seconds without an API server
STATUS = 21530
RECORDED = pathlib.Path(__file__).parent / "recorded"


class Endpoints(Stack):
    def test_ready_ones_join_terminating_ones_drain_and_gone_ones_leave(self):
        self.slice("a", up(1, 2))
        with self.companion:
            self.expect(1, 2)
            self.slice("a", up(1, 2, 3) + [api_server.endpoint(ip(4), ready=False)])
            self.expect(1, 2, 3)
            self.slice("a", up(2, 3) + going(1))
            self.expect(2, 3, drains=[1])
            self.assertEqual(self.answers(), [200] * 20)
            self.slice("a", up(2, 3))
            self.expect(2, 3)
        self.assertEqual(self.answers(), [200] * 20)
        self.expect(2, 3)

    def test_several_slices_and_two_families(self):
        self.slice("a", up(1))
        self.slice("b", up(1, 2))
        self.slice("six", [api_server.endpoint("fd00::1")], address_type="IPv6")
        self.slice("name", [api_server.endpoint("example.org")], address_type="FQDN")
        self.slice("other", up(9), service="other")
        self.api.slices.pop("other")  # what the selector would leave out
        with self.companion:
            self.expect(1, 2)
            self.api.delete("b")
            self.expect(1)
            self.api.delete("a")
            harness.wait_for(lambda: f"[fd00::1]:{SERVERS}" in [s["server"] for s in self.servers()], "the IPv6 one")

    def test_an_empty_service_empties_the_pool_and_says_so(self):
        self.slice("a", up(1))
        with self.companion:
            self.expect(1)
            self.slice("a", [])
            self.expect()
            self.companion.wait_for_log("app: Service web has no server that is ready")
            self.slice("a", up(2))
            self.expect(2)

    def test_a_port_that_is_not_there_takes_nobody_out(self):
        self.slice("a", up(1))
        with self.companion:
            self.expect(1)
            self.slice("a", up(1, 2), ports=[("https", SERVERS), ("metrics", 9)])
            self.companion.wait_for_log(f'no port "http"; the pods have https = {SERVERS}, metrics = 9; '
                                        "the servers stay as they are")
            self.expect(1)

    def test_scaling_under_load_loses_no_request(self):
        """3 -> 200 -> 3: a new server is used within a second, one that goes gets nothing a second later."""
        self.slice("a", up(1, 2, 3))
        with self.companion:
            self.expect(1, 2, 3)
            with harness.Load(PORT, clients=6, path="/ok") as load:
                grown = time.time()
                for k in range(1, 4):  # as the controller has it: 100 in a slice at most
                    self.slice(f"s{k}", up(*range(4 + 66 * (k - 1), min(4 + 66 * k, 201))))
                self.expect(*range(1, 201), seconds=20)
                joined = time.time() - grown
                time.sleep(2)
                shrunk = time.time()
                for k in range(1, 4):
                    self.slice(f"s{k}", going(*range(4 + 66 * (k - 1), min(4 + 66 * k, 201))))
                self.expect(1, 2, 3, drains=range(4, 201), seconds=20)
                drained = time.time() - shrunk
                time.sleep(1)
                for k in range(1, 4):
                    self.slice(f"s{k}", [])
                self.expect(1, 2, 3, seconds=20)
        picks = self.picks()
        late = [n for n in range(4, 201) if picks[n] and max(picks[n]) > shrunk + 1]
        used = [min(picks[n]) - grown for n in range(4, 201) if picks[n]]
        print(f"{load.sent} requests, {len(load.failures)} failed; all 200 in after {joined:.2f} s, "
              f"{len(used)} used, the first after {min(used):.2f} s; 197 draining after {drained:.2f} s")
        self.assertEqual(load.failures, [])
        self.assertEqual(len(used), 197)
        if not harness.SANITIZED:
            self.assertEqual(late, [])
            self.assertLess(min(used), 1)


class Trouble(Stack):
    def test_without_an_api_server_the_servers_stay_and_what_was_missed_is_caught_up(self):
        self.slice("a", up(1, 2, 3))
        with self.companion:
            self.expect(1, 2, 3)
            with harness.Load(PORT, clients=2, path="/ok") as load:
                self.api.stop()
                self.companion.wait_for_log("the servers stay as they are")
                time.sleep(AWAY)
                self.slice("a", up(3, 4))
                self.expect(1, 2, 3)
                self.api.start()
                self.expect(3, 4, seconds=15)
                self.companion.wait_for_log("app: answers again")
        print(f"{load.sent} requests, {len(load.failures)} failed; away for {AWAY} s")
        self.assertEqual(load.failures, [])

    def test_410_is_a_new_list_and_no_trouble(self):
        self.slice("a", up(1))
        self.api.bookmark_every = 60  # so that it can fall behind
        with self.companion:
            self.expect(1)
            harness.wait_for(lambda: self.api.count("watch"), "a watch")
            self.api.cut_watches()
            self.slice("a", up(1, 2))
            self.api.forget_history()
            self.expect(1, 2)
            self.assertGreaterEqual(self.api.count("list"), 2)
            self.assertNotIn("410", self.companion.log())

    def test_a_bookmark_is_where_the_next_watch_begins(self):
        self.slice("a", up(1))
        with self.companion:
            self.expect(1)
            self.slice("other", up(9), service="other")
            self.api.slices.pop("other")
            version = str(self.api.version)
            time.sleep(0.5)
            self.api.cut_watches()
            harness.wait_for(lambda: any(a.query.get("resourceVersion") == version for a in self.api.asked),
                             "a watch from there")
            self.assertEqual(self.api.count("list"), 1)

    def refused(self, status, pattern, headers=(), text="{}"):
        self.slice("a", up(1))
        with self.companion:
            self.expect(1)
            self.api.fault = lambda kind: (status, dict(headers), text)
            self.api.cut_watches()
            self.companion.wait_for_log(pattern)
            self.slice("a", up(2))
            time.sleep(0.3)
            self.assertEqual(list(self.added()), [1])
            asked = len(self.api.asked)
            time.sleep(1)
            self.assertLess(len(self.api.asked) - asked, 6, "asked too often")
            self.api.fault = None
            self.expect(2, seconds=15)
            self.companion.wait_for_log("answers again")

    def test_403_names_the_role(self):
        self.refused(403, "403, endpointslices of namespace default may not be read: leastwise-companion --rbac")

    def test_500_is_asked_again(self):
        self.refused(500, "127.0.0.1:21501: 500; the servers stay")

    def test_429_is_asked_again_when_it_says(self):
        self.refused(429, "429, too many requests", {"Retry-After": "2"})
        times = [a.at for a in self.api.asked if a.status == 429]
        self.assertGreaterEqual(min([b - a for a, b in zip(times, times[1:])] or [9]), 1.9)

    def test_garbage_takes_nobody_out(self):
        self.slice("a", up(1))
        for text in ("", '{"kind":"EndpointSliceList","items":[]}'):
            with self.subTest(text=text):
                self.api.fault = None
                self.companion.clear_log()
                with self.companion:
                    self.expect(1)
                    self.api.fault = lambda kind, t=text: (200, {}, t) if kind == "list" else (500, {}, "")
                    self.api.cut_watches()
                    self.companion.wait_for_log("no list of EndpointSlices")
                    self.assertEqual(list(self.added()), [1])

    def test_a_watch_that_talks_garbage_is_begun_anew(self):
        self.slice("a", up(1))
        lines = ["nonsense", '{"type":"ERROR","object":{"code":500,"message":"etcd is ill"}}', "x" * (9 << 20)]
        with self.companion:
            self.expect(1)
            for line in lines:
                with self.subTest(line=line[:60]):
                    lists = self.api.count("list")
                    self.api.recorded = (self.api.list(), [line])
                    self.api.cut_watches()
                    harness.wait_for(lambda n=lists: self.api.count("list") > n, "a new list", 20)
                    self.api.recorded = None
                    self.assertEqual(list(self.added()), [1])
            self.slice("a", up(2))
            self.expect(2, seconds=15)

    def test_a_token_is_read_again(self):
        self.slice("a", up(1))
        with self.companion:
            self.expect(1)
            self.api.token = "the next one"
            self.api.cut_watches()
            self.companion.wait_for_log("401, the token is not accepted .*token")
            self.companion.write_token("the next one")
            self.slice("a", up(2))
            self.expect(2, seconds=15)

    def test_a_server_that_shows_another_certificate_is_not_asked(self):
        self.slice("a", up(1))
        api_server.make_certificates(self.folder)  # another CA than the one that signed
        with self.companion:
            self.companion.wait_for_log("certificate")
            self.assertEqual(self.added(), {})
            self.assertEqual(self.api.asked, [])


class Recorded(Stack):
    """What a real kube-apiserver answered, byte by byte."""
    POOL = "discover kubernetes web;"

    def play(self, items, *lines):
        text = json.loads((RECORDED / "list-v1.json").read_text(encoding="utf-8"))
        text["items"] = text["items"] if items else []
        self.api.recorded = (json.dumps(text), lines)

    def recorded(self, name):
        return (RECORDED / name).read_text(encoding="utf-8").splitlines()

    def addresses(self):
        return {s["server"]: s["drain"] for s in self.servers() if s["leastwise"]["added"]}

    def test_a_list_with_one_that_terminates(self):
        self.play(True)
        with self.companion:
            harness.wait_for(lambda: self.addresses() == {"127.0.0.1:8080": True}, "the server that drains")

    def test_a_watch_that_adds_and_changes(self):
        added, modified = self.recorded("watch-v1.ndjson")
        self.play(False, added)
        with self.companion:
            harness.wait_for(lambda: self.addresses() == {"127.0.0.1:8080": False}, "the new server")
            self.play(False, modified)
            harness.wait_for(lambda: self.addresses() == {"127.0.0.1:8080": True}, "that it drains")

    def test_a_watch_that_ends_after_its_time(self):
        self.play(False, *self.recorded("watch-timeout.ndjson"))
        with self.companion:
            harness.wait_for(lambda: self.api.count("watch") >= 3, "another watch")
            self.assertEqual(self.api.count("list"), 1)
            self.assertEqual(self.api.asked[-1].query["resourceVersion"], "214")

    def test_a_version_that_is_too_old(self):
        self.play(True, *self.recorded("watch-410.ndjson"))
        with self.companion:
            harness.wait_for(lambda: self.api.count("list") >= 3, "another list")
            self.assertEqual(self.addresses(), {"127.0.0.1:8080": True})


class Life(Stack):
    def test_nginx_goes_on_without_the_companion_which_finds_what_it_left(self):
        self.slice("a", up(1, 2))
        with self.companion:
            self.expect(1, 2)
            numbers = [s["id"] for s in self.servers()]
            self.companion.stop(signal.SIGKILL)
        self.assertEqual(self.answers(), [200] * 20)
        self.companion.clear_log()
        with self.companion:
            self.companion.wait_for_log("2 servers")
            time.sleep(0.5)
            self.assertEqual([s["id"] for s in self.servers()], numbers)
            self.slice("a", up(2))
            self.expect(2)

    def test_servers_that_left_while_it_was_away_leave_nginx(self):
        self.slice("a", up(1, 2))
        with self.companion:
            self.expect(1, 2)
        self.slice("a", up(2, 3))
        with self.companion:
            self.expect(2, 3)

    def test_an_nginx_that_starts_anew_is_told_all(self):
        self.slice("a", up(1, 2))
        with self.companion:
            self.expect(1, 2)
            self.nginx.process.terminate()
            self.nginx.process.wait(20)
            self.companion.wait_for_log("nginx goes on with the servers that it has")
            self.nginx.__enter__()
            self.expect(1, 2)

    def test_an_operators_drain_and_weight_stay(self):
        self.slice("a", up(1, 2))
        with self.companion:
            self.expect(1, 2)
            number = [s["id"] for s in self.servers() if s["server"].startswith(ip(1) + ":")][0]
            self.control("PATCH", f"/{number}", {"drain": True, "weight": 7})
            self.slice("a", up(1, 2, 3))
            self.expect(2, 3, drains=[1])
            time.sleep(1.2)
            self.expect(2, 3, drains=[1])
        self.assertEqual([s["weight"] for s in self.servers() if s["id"] == number], [7])


class Room(Stack):
    SLOTS = 3
    SETTINGS = f"status 127.0.0.1:{STATUS};"

    @staticmethod
    def nginx_refusals():
        metrics = companion.get(STATUS, "/metrics")[1]
        line = re.search(r'^leastwise_companion_changes_total{.*change="refused".*} (\d+)$', metrics, re.MULTILINE)
        return int(line[1])

    def test_who_finds_no_room_is_named(self):
        self.slice("a", up(1, 2, 3, 4))
        with self.companion:
            # All are asked for together, so any of them may be the one that finds no room.
            line = self.companion.wait_for_log(r"127\.0\.1\.(\d):\d+: nginx refuses: 409 all of leastwise_slots are in use")
            late = int(line.group(1))
            first, *others = {1, 2, 3, 4} - {late}
            self.expect(first, *others)
            self.slice("a", up(*others, late))
            self.expect(*others, late)

    def test_a_refusal_is_a_line_until_it_ends(self):
        self.slice("a", up(1, 2, 3, 4))
        with self.companion:
            for _ in range(2):
                self.companion.wait_for_log("nginx refuses: 409")
                before = self.nginx_refusals()
                harness.wait_for(lambda n=before: self.nginx_refusals() >= n + 3, "more of them", 10)
                log = self.companion.log()
                self.assertEqual((log.count("nginx refuses: "), log.count(" refused")), (1, 1), log)
                self.slice("a", up(1, 2, 3))
                self.companion.wait_for_log("app: nginx refuses nothing any more")
                self.companion.clear_log()
                self.slice("a", up(1, 2, 3, 4))

    def test_all_are_replaced_one_by_one_under_load(self):
        self.slice("a", up(1, 2, 3))
        with self.companion:
            self.expect(1, 2, 3)
            with harness.Load(PORT, clients=4, path="/ok") as load:
                for i in range(1, 6):
                    self.slice("a", up(3 * i + 1, 3 * i + 2, 3 * i + 3))
                    self.expect(3 * i + 1, 3 * i + 2, 3 * i + 3)
        self.assertEqual(load.failures, [])


class CommandLine(unittest.TestCase):
    def run_with(self, text, *words):
        path = pathlib.Path(self.enterContext(__import__("tempfile").TemporaryDirectory())) / "c.conf"
        path.write_text(text, encoding="ascii")
        done = subprocess.run([companion.PROGRAM, "-c", str(path), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=20)
        return done.returncode, done.stdout

    TEXT = "nginx_socket /x; upstream a { discover kubernetes shop/web; } upstream b { discover kubernetes api; }"

    def test_the_roles_of_all_namespaces_and_no_more(self):
        code, text = self.run_with(self.TEXT, "--rbac", "--service-account", "edge/proxy")
        self.assertEqual(code, 0)
        self.assertEqual(text.count("kind: Role\nmetadata"), 2)
        self.assertEqual(text.count("namespace: shop\n"), 2)
        self.assertEqual(text.count("namespace: edge\n"), 4)
        self.assertIn("  name: proxy\n", text)
        self.assertEqual(set(line for line in text.splitlines() if "verbs" in line), {'  verbs: ["list", "watch"]'})

    def test_outside_of_a_pod_it_says_what_is_missing(self):
        code, text = self.run_with(self.TEXT)
        self.assertEqual(code, 1)
        self.assertIn('this is no pod (KUBERNETES_SERVICE_HOST is not set); outside of the cluster set "kubeconfig', text)

    def test_a_file_is_checked(self):
        self.assertEqual(self.run_with(self.TEXT, "--check-config")[0], 0)
        code, text = self.run_with("nginx_socket /x;\nupstream a { discover kubernets web; }", "--check-config")
        self.assertEqual(code, 1)
        self.assertIn('c.conf:2: "kubernets": not known; did you mean "kubernetes"?', text)


if __name__ == "__main__":
    unittest.main()
