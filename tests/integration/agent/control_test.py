"""Servers changed at run time over the agent's status port, by who has the token.

Usage: control_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import http.client
import json
import signal
import sys
import time
import unittest

import stack
from stack import STATUS, Stack, load, say, settled, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
TOKEN = "0123456789abcdef"
ROOT = "/control/9/haproxy/upstreams"
SERVERS = f"{ROOT}/app/servers"


class Controlled(Stack):
    """With round_robin, so that shares are exact."""

    def __init__(self, **options):
        super().__init__(spoe_edit=stack.PATIENT, **options)

    def write_agent_config(self, backend):
        super().write_agent_config(backend.replace("adaptive", "round_robin"))
        self.write_token(TOKEN)
        config = self.folder / "leastwise.conf"
        config.write_text(config.read_text() + f"control_token_file {self.folder}/token;\n")

    def write_token(self, text, mode=0o640):
        (self.folder / "token").write_text(text + "\n")
        (self.folder / "token").chmod(mode)


def ask(method, path, body=None, authorization=f"Bearer {TOKEN}"):
    """Status, headers, and the JSON of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", STATUS, timeout=5)
    try:
        headers = {"Authorization": authorization} if authorization else {}
        text = json.dumps(body) if isinstance(body, dict) else body
        connection.request(method, path, body=text, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read() or "null")
    finally:
        connection.close()


class Control(unittest.TestCase):
    def refused(self, status, *request, **options):
        got, headers, answer = ask(*request, **options)
        self.assertEqual((got, answer["error"]["status"]), (status, status), (request, answer))
        self.assertTrue(answer["error"]["text"] and answer["error"]["code"], answer)
        return headers, answer["error"]["text"]

    def do(self, *request):
        status, _, answer = ask(*request)
        self.assertEqual(status, 200, (request, answer))
        return answer

    def shares(self, s, requests=300):
        """How many of so many requests each server got, all of them picked by the agent."""
        settled(s)
        before, picked = s.picks(), s.as_picked()
        result = load("--connections", 2, "--requests", requests)["all"]
        self.assertEqual(result["failed"], 0)
        settled(s)
        self.assertEqual(s.as_picked() - picked, requests, "HAProxy chose by itself: no answer in time")
        return {name: count - before[name] for name, count in s.picks().items()}

    def test_it_is_off_unless_a_token_is_configured(self):
        with Stack():
            for authorization in (None, "Bearer ", f"Bearer {TOKEN}"):
                for method in ("GET", "POST", "PATCH", "DELETE"):
                    _, text = self.refused(403, method, SERVERS, authorization=authorization)
                    self.assertIn("control_token_file", text)

    def test_who_may_what_there_is_and_how_it_is_asked(self):
        with Controlled() as s:
            for wrong in (None, "", TOKEN, f"Basic {TOKEN}", "Bearer ", f"Bearer {TOKEN[:-1]}",
                          f"Bearer {TOKEN}0", f"Bearer {TOKEN[:-1]}x", "Bearer " + "x" * 5000):
                headers, _ = self.refused(401, "POST", f"{SERVERS}/s1/drain", authorization=wrong)
                self.assertEqual(headers["WWW-Authenticate"], "Bearer")
            self.assertIn("a request with another token was refused", s.log("agent"))
            for path in (ROOT, f"{ROOT}/app", f"{ROOT}/none/servers", f"{SERVERS}/s9",
                         f"{SERVERS}/s1/fly", f"{SERVERS}/s1/drain/x", f"{SERVERS}//drain",
                         "/control", "/control/8/haproxy/upstreams/app/servers"):
                self.refused(404, "GET", path)
            for method, path, allowed in (("POST", SERVERS, "GET, HEAD"),
                                          ("POST", f"{SERVERS}/s1", "GET, HEAD, PATCH"),
                                          ("DELETE", f"{SERVERS}/s1", "GET, HEAD, PATCH"),
                                          ("GET", f"{SERVERS}/s1/drain", "POST"),
                                          ("PATCH", f"{SERVERS}/s1/eject", "POST")):
                headers, text = self.refused(405, method, path)
                self.assertEqual(headers["Allow"], allowed)
                self.assertIn(allowed, text)
            for path, method, body in ((f"{SERVERS}/s1", "PATCH", "{"),
                                       (f"{SERVERS}/s1", "PATCH", {"weight": 0}),
                                       (f"{SERVERS}/s1", "PATCH", {"max_conns": 3}),
                                       (f"{SERVERS}/s1", "PATCH", {"down": True}),
                                       (f"{SERVERS}/s1/eject", "POST", {"for": "25h"}),
                                       (f"{SERVERS}/s1/drain", "POST", {"for": "1s"})):
                self.refused(400, method, path, body)
            self.assertEqual([row["leastwise"]["changed"] for row in self.do("GET", SERVERS)], [[]] * 3)
            for path in ("/", "/status", "/metrics", "/healthz"):
                self.assertEqual(stack.get(STATUS, path, method="POST")[0], 405, path)

    def test_a_drained_server_is_not_picked_and_haproxy_keeps_its_own_state(self):
        with Controlled() as s:
            before = s.runtime("show servers state app")
            row = self.do("POST", f"{SERVERS}/s1/drain")
            self.assertEqual((row["drain"], row["leastwise"]["changed"]), (True, ["drain"]))
            self.assertEqual(self.shares(s), {"s1": 0, "s2": 150, "s3": 150})
            # HAProxy's word comes twice a second, and does not undo ours; nor does our own file.
            polls = s.status()["agent"]["feedback"]["polls"]
            until(lambda: s.status()["agent"]["feedback"]["polls"] >= polls + 3)
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: "configuration read again" in s.log("agent"))
            self.assertEqual(self.shares(s)["s1"], 0)
            self.assertEqual(self.do("GET", f"{SERVERS}/s1")["drain"], True)
            columns = [[line.split()[5:8] for line in text.splitlines()[2:]]
                       for text in (before, s.runtime("show servers state app"))]
            self.assertEqual(*columns)
            self.assertEqual(self.do("POST", f"{SERVERS}/s1/ready")["leastwise"]["changed"], [])
            shares = self.shares(s)
            say(self, **shares)
            self.assertGreater(shares["s1"], 90)

    def test_a_weight_holds_for_picks_until_it_is_undone(self):
        with Controlled(state=True) as s:
            self.assertEqual(self.do("PATCH", f"{SERVERS}/s1", {"weight": 4})["weight"], 4)
            self.assertEqual(self.shares(s), {"s1": 200, "s2": 50, "s3": 50})
            s.end("agent", signal.SIGTERM)
            s.start_agent()
            until(lambda: len(s.peers()) == 3)
            until(s.is_asked)
            self.assertEqual(self.do("GET", f"{SERVERS}/s1")["weight"], 4, "with `state`")
            row = self.do("PATCH", f"{SERVERS}/s1", {"weight": None, "drain": None})
            self.assertEqual((row["weight"], row["leastwise"]["changed"]), (1, []))
            shares = self.shares(s)
            say(self, **shares)
            self.assertLess(abs(shares["s1"] - 100), 10)

    def test_ejecting_ends_by_itself_or_by_hand_and_learned_things_are_forgotten(self):
        with Controlled() as s:
            self.shares(s)
            row = self.do("POST", f"{SERVERS}/s2/eject", {"for": "30s"})
            self.assertEqual(row["leastwise"]["ejected"], "operator")
            self.assertEqual(self.shares(s)["s2"], 0)
            self.do("POST", f"{SERVERS}/s2/uneject")
            self.refused(409, "POST", f"{SERVERS}/s2/uneject")
            self.do("POST", f"{SERVERS}/s2/eject", {"for": "1s"})
            begin = time.monotonic()
            until(lambda: self.do("GET", f"{SERVERS}/s2")["leastwise"]["ejected"] == "none", 5)
            self.assertGreater(time.monotonic() - begin, 0.8)
            self.assertTrue(s.peers()["s1"]["leastwise"]["known"])
            self.do("POST", f"{SERVERS}/s1/reset")
            self.assertFalse(s.peers()["s1"]["leastwise"]["known"])
            for words in ("s2 of backend app: left out for a while", "s1 of backend app: what was"):
                self.assertIn(f"control: server {words}", s.log("agent"))

    def test_the_token_may_be_replaced_and_must_be_kept(self):
        with Controlled() as s:
            s.write_token("fedcba9876543210")
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: ask("GET", SERVERS)[0] == 401)
            new = "Bearer fedcba9876543210"
            self.assertEqual(ask("GET", SERVERS, authorization=new)[0], 200)
            for text, mode, words in ((TOKEN, 0o644, "everybody may read it: chmod o="),
                                      ("short", 0o640, "expected one line of 16 to 256")):
                s.write_token(text, mode)
                s.send_signal("agent", signal.SIGHUP)
                until(lambda words=words: words in s.log("agent"))
                self.assertEqual(ask("GET", SERVERS, authorization=new)[0], 200, "the old one stays")
            s.end("agent", signal.SIGTERM)
            again = s.start("again", stack.AGENT, "-c", str(s.folder / "leastwise.conf"))
            self.assertEqual(again.wait(5), 1)
            self.assertIn(f'control_token_file "{s.folder}/token"', s.log("again"))

    def test_where_haproxy_chooses_nothing_is_set_in_vain(self):
        with Controlled() as s:
            s.write_agent_config("mode weights;")
            s.send_signal("agent", signal.SIGHUP)
            until(lambda: "configuration read again" in s.log("agent"))
            self.assertEqual(len(self.do("GET", SERVERS)), 3)
            _, text = self.refused(409, "POST", f"{SERVERS}/s1/drain")
            self.assertIn("set server", text)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
