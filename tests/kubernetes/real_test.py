"""The companion with a real kube-apiserver and etcd: tests/kubernetes/run.sh."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
import unittest

import yaml

import api_server
import companion
import harness
from control_plane import NAMESPACE, PORT as API, SLICES, ControlPlane
from stack import PORT, SERVERS, NginxStack, going, ip, up

BACKENDS, LOAD = os.environ["LEASTWISE_BACKENDS"], os.environ["LEASTWISE_LOAD"]
RATE = 1000
AWAY = 30  # seconds without an API server
ACCOUNT = "leastwise-companion"
FIRST = ("chrt", "--rr", "10") if os.getuid() == 0 else ()  # so that the load is not late itself

MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # a disk that others use would be measured, too


class OpenLoad:
    """RATE requests a second, whatever comes back, for some seconds from now on."""

    def __init__(self, seconds):
        self._process = subprocess.Popen(
            [*FIRST, LOAD, "--port", str(PORT), "--rate", str(RATE), "--seconds", str(seconds), "--json", "--path", "/ok"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def is_running(self):
        return self._process.poll() is None

    def report(self):
        text, errors = self._process.communicate(timeout=120)
        assert self._process.returncode in (0, 3), errors  # 3: this machine was late itself
        return json.loads(text)["all"]


class Real(NginxStack):
    POOL = f"discover kubernetes {NAMESPACE}/web:http;"

    @classmethod
    def start_servers(cls):
        cls.control_plane = cls.stack.enter_context(
            ControlPlane(cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="leastwise_kubernetes_", dir=MEMORY))))
        farm = {"servers": [{"address": ip(n), "port": SERVERS} for n in range(1, 201)]}
        process = subprocess.Popen([BACKENDS, "-", "--die-with-parent"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.stack.callback(process.communicate)
        cls.stack.callback(process.kill)
        process.stdin.write(json.dumps(farm))
        process.stdin.close()
        process.stdin = None
        assert process.stdout.readline() == "ready\n"

    def setUp(self):
        self.control_plane.delete_all()
        self.new_companion(API, "")
        os.symlink(self.control_plane.folder / "ca.crt", os.path.join(self.folder, "ca.crt"))

    def allow(self, account=ACCOUNT):
        """What --rbac prints is all that the account may."""
        printed = subprocess.run([companion.PROGRAM, "-c", self.companion.config, "--rbac", "--service-account",
                                  f"{NAMESPACE}/{account}"], check=True, stdout=subprocess.PIPE, text=True, timeout=20).stdout
        self.control_plane.apply(yaml.safe_load_all(printed))

    def give_token(self, account=ACCOUNT):
        token = self.control_plane.account(account)
        self.companion.write_token(token)
        return token

    def slice(self, name, endpoints):
        return self.control_plane.set(name, endpoints, SERVERS)


class Scale(Real):
    def test_scaling_under_load_loses_no_request(self):
        """3 -> 200 -> 3: a new server is used within a second of being ready, one that terminates gets nothing a second later."""
        parts = [range(4, 70), range(70, 136), range(136, 201)]  # as the controller has it: 100 in a slice at most
        self.allow()
        self.give_token()
        self.slice("a", up(1, 2, 3))
        with self.companion:
            self.expect(1, 2, 3)
            load = OpenLoad(16)
            time.sleep(2)
            ready, gone = {}, {}
            for k, part in enumerate(parts):
                at = self.slice(f"s{k}", up(*part))
                ready |= dict.fromkeys(part, at)
            self.expect(*range(1, 201), seconds=20)
            time.sleep(3)
            for k, part in enumerate(parts):
                at = self.slice(f"s{k}", going(*part))
                gone |= dict.fromkeys(part, at)
            self.expect(1, 2, 3, drains=range(4, 201), seconds=20)
            time.sleep(2)
            for k in range(len(parts)):
                self.slice(f"s{k}", [])
            self.expect(1, 2, 3, seconds=20)
            self.assertTrue(load.is_running(), "the load has to last longer than the test")
            report = load.report()
        picks = self.picks()
        used = {n: min(picks[n]) - ready[n] for n in ready if picks[n]}
        last = {n: max(picks[n]) - gone[n] for n in gone if picks[n]}
        print(f"{report['requests']} requests, {report['failed']} failed; of 197 new servers {len(used)} used, the last of them "
              f"{max(used.values()):.2f} s after it was ready; the last request to one that terminates after {max(last.values()):.2f} s")
        self.assertEqual((report["failed"], set(report["statuses"])), (0, {"200"}))
        self.assertEqual(len(used), 197)
        self.assertLess(max(used.values()), 1)
        self.assertLess(max(last.values()), 1)


class ScaleByDelay(Scale):
    """By the default policy."""
    POLICY = "adaptive"


class Trouble(Real):
    def test_without_an_api_server_nothing_fails_and_what_was_missed_is_caught_up(self):
        self.allow()
        self.give_token()
        self.slice("a", up(1, 2, 3))
        with self.companion:
            self.expect(1, 2, 3)
            load = OpenLoad(AWAY + 30)
            self.control_plane.stop()
            self.companion.wait_for_log("the servers stay as they are")
            time.sleep(AWAY)
            self.expect(1, 2, 3)
            self.control_plane.start()
            self.control_plane.wait_for_slices()
            back = self.slice("a", up(3, 4) + going(2))
            self.expect(3, 4, drains=[2], seconds=15)
            caught_up = time.time() - back
            self.companion.wait_for_log("app: answers again")
            self.slice("a", up(3, 4, 5))
            self.expect(3, 4, 5)
            self.assertTrue(load.is_running(), "the load has to last longer than the test")
            report = load.report()
        print(f"{report['requests']} requests, {report['failed']} failed; away for {AWAY} s, caught up {caught_up:.2f} s after "
              "the first change was written")
        self.assertEqual((report["failed"], set(report["statuses"])), (0, {"200"}))

    def test_401_with_a_token_that_is_none_and_with_that_of_an_account_that_is_gone(self):
        self.allow("short")
        self.slice("a", up(1))
        self.companion.write_token("none")
        with self.companion:
            self.companion.wait_for_log("401, the token is not accepted .*token")
            self.give_token("short")
            self.expect(1, seconds=15)
            self.companion.wait_for_log("answers again")
            self.companion.clear_log()
            self.assertEqual(self.control_plane.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/short")[0], 200)
            self.restart()
            self.companion.wait_for_log("401, the token is not accepted .*; the servers stay as they are", 30)
            self.expect(1)
            self.slice("a", up(2))
            self.give_token("short")
            self.expect(2, seconds=15)
        self.assertIn(401, [status for _, status in self.control_plane.answers()])

    def test_403_without_the_role_which_then_is_enough_and_allows_no_more(self):
        self.slice("a", up(1))
        token = self.give_token("stranger")
        with self.companion:
            self.companion.wait_for_log(f"403, endpointslices of namespace {NAMESPACE} may not be read: leastwise-companion --rbac")
            self.assertEqual(self.added(), {})
            self.allow("stranger")
            self.expect(1, seconds=15)
        self.assertIn(("list", 403), self.control_plane.answers("stranger"))
        for path in (f"/api/v1/namespaces/{NAMESPACE}/pods", f"/api/v1/namespaces/{NAMESPACE}/secrets",
                     SLICES.replace(NAMESPACE, "default"), SLICES + "/a"):
            self.assertEqual(self.control_plane.ask("GET", path, token=token)[0], 403, path)
        self.assertEqual(self.control_plane.ask("DELETE", SLICES + "/a", token=token)[0], 403)

    def test_410_of_a_compacted_version_is_a_new_list_and_no_trouble(self):
        self.allow()
        self.give_token()
        self.slice("a", up(1))
        with self.companion:
            self.expect(1)
            version = self.control_plane.ask("GET", SLICES)[1]["metadata"]["resourceVersion"]
            self.control_plane.stop()
            self.companion.wait_for_log("the servers stay as they are")
            self.control_plane.compact()
            self.companion.clear_log()
            lists = self.control_plane.answers(ACCOUNT).count(("list", 200))
            self.control_plane.start("--watch-cache=false")  # so that it is etcd that refuses
            self.companion.wait_for_log("answers again", 30)
            harness.wait_for(lambda: self.control_plane.answers(ACCOUNT).count(("list", 200)) > lists, "a new list", 15)
            told = self.control_plane.ask("GET", f"{SLICES}?watch=1&timeoutSeconds=5&resourceVersion={version}")
            self.slice("a", up(1, 2))
            self.expect(1, 2)
            self.assertNotIn("410", self.companion.log())
            since = self.companion.log().rpartition("answers again")[2]  # it was refused while the server began
            self.assertNotIn("stay as they are", since)
        self.restart()
        self.assertEqual((told[1]["type"], told[1]["object"]["code"]), ("ERROR", 410))

    def test_429_is_asked_again_when_it_says(self):
        self.allow()
        token = self.give_token()
        self.slice("a", up(1))
        for k in range(8):  # so that a list takes a while
            self.control_plane.ask("POST", SLICES, {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "metadata": {"name": f"x{k}"},
                "endpoints": [api_server.endpoint(f"10.{k}.{i // 250}.{i % 250}") for i in range(1000)], "ports": []})
        self.restart("--enable-priority-and-fairness=false", "--max-requests-inflight=1")
        flood = contextlib.ExitStack()
        for _ in range(6):
            flood.enter_context(Flood(self.control_plane, token))
        try:
            with self.companion:
                self.companion.wait_for_log("429, too many requests; asked again later", 30)
                flood.close()
                self.expect(1, seconds=15)
                self.assertIn(("list", 429), self.control_plane.answers(ACCOUNT))
        finally:
            flood.close()
            self.restart()

    def restart(self, *more):
        self.control_plane.stop()
        self.control_plane.start(*more)
        self.control_plane.wait_for_slices()


class Flood(harness.Load):
    """One client that lists all slices, over and over, as whom the server does not favour."""

    def __init__(self, control_plane, token):
        super().__init__(API, clients=1)
        self._ask = lambda: control_plane.ask("GET", SLICES, token=token)[0] not in (200, 429)


class Zones(Real):
    SETTINGS = "zone zone-a;"
    POLICY = "adaptive"

    def test_endpoints_of_other_zones_are_remote(self):
        self.allow()
        self.give_token()
        near, far = up(1, 2), up(3)
        far[0]["zone"] = "zone-b"
        self.slice("a", near + far)
        with self.companion:
            self.expect(1, 2, 3)
            self.expect_remote(3)
            before = time.time()
            load = OpenLoad(3)
            report = load.report()
            after = self.picks()
            counts = {n: sum(t > before for t in after[n]) for n in (1, 2, 3)}
            near[0]["zone"] = "zone-b"
            self.slice("a", near + far)
            self.expect_remote(1, 3)
            for e, zone in zip(near + far, ("zone-b", "zone-b", "zone-a")):
                e["hints"] = {"forZones": [{"name": zone}]}
            self.slice("a", near + far)
            self.expect_remote(1, 2)
        print(f"{report['requests']} requests, {report['failed']} failed; to servers 1 and 2 in the zone and 3 in another: {counts}")
        self.assertEqual(report["failed"], 0)
        self.assertLess(counts[3], 0.05 * sum(counts.values()))

    def expect_remote(self, *wanted):
        def remote():
            return sorted(int(s["server"].split(":")[0].rsplit(".", 1)[1]) for s in self.servers()
                          if s["leastwise"]["added"] and s["remote"])
        harness.wait_for(lambda: remote() == list(wanted), f"{wanted} to be remote", 5)


if __name__ == "__main__":
    unittest.main()
