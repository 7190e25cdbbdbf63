"""Drives leastwise-backends with leastwise-load and compares what comes out with theory.

Usage: end_to_end_test.py BACKENDS LOAD [unittest arguments]

Seeds are fixed, so the drawn requests are the same in every run; only the machine's own delays
differ. Bounds leave room for them: a few milliseconds where a service takes tens. How late
the timers of the backends fired is printed with each test of times: look there first if one fails.
"""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

BACKENDS, LOAD = sys.argv[1:3]
CONTROL = 19990


class Backends:
    """A running leastwise-backends; ends it, by /quit, when the block does."""

    latest_lag = None  # how late the timers of the latest one fired

    def __init__(self, **config):
        self.text = json.dumps({"control": CONTROL, **config})

    def __enter__(self):
        self.process = subprocess.Popen(
            [BACKENDS, "-", "--die-with-parent"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(self.text)
        self.process.stdin.close()
        line = self.process.stdout.readline()
        if line != "ready\n":
            self.process.wait(10)
            raise AssertionError(f"not ready: {line!r}, exit {self.process.returncode}")
        return self

    def __exit__(self, *_):
        try:
            Backends.latest_lag = json.loads(self.control("/stats"))["lag"]
            self.control("/quit")
            status = self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        assert status == 0, f"leastwise-backends ended with {status}"

    def control(self, target, expected=200):
        connection = http.client.HTTPConnection("127.0.0.1", CONTROL, timeout=10)
        connection.request("GET", target)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        assert answer.status == expected, (target, answer.status, body)
        return body

    def stats(self):
        return json.loads(self.control("/stats"))["servers"]


def load(*options, expected=0):
    """The JSON of one run. A busy test machine may make the generator late; that is measured, and
    here it only must not decide: the bounds on times do."""
    words = [LOAD, "--json", *map(str, options)]
    if "--max-lag" not in options:
        words += ["--max-lag", "1000"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == expected, (done.returncode, done.stderr)
    return json.loads(done.stdout) if expected == 0 else done.stderr


def ask(port, target):
    """Status, headers and body of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", target)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def take_precedence():
    """What else runs must not become part of the service times; without the right, it may."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    except PermissionError:
        print("no right to SCHED_RR: times are as good as the machine is idle", file=sys.stderr)


class Times(unittest.TestCase):
    def tearDown(self):
        print(f"timers late by {Backends.latest_lag} ... ", end="", file=sys.stderr, flush=True)

    def test_distance_takes_time_but_no_slot(self):
        with Backends(servers=[{"port": 19000, "slots": 1, "distance_ms": 100}], paths={"/": 1},
                      defaults={"distribution": "const"}):
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                began = time.monotonic()
                list(pool.map(lambda _: ask(19000, "/"), range(8)))
                took = time.monotonic() - began
        # All eight are under way together, and then served one after the other: 108 ms, not 808.
        self.assertGreater(took, 0.107)
        self.assertLess(took, 0.4)

    def test_one_slot_at_half_load_takes_twice_the_service_time(self):
        # M/M/1: 1 / (1 - load) = 2 services of 10 ms. The mean over n requests has a standard
        # error of sqrt(29 / n) services: 3.5 % of the result for the 6000 of four servers.
        with Backends(defaults={"slots": 1}, servers=[{"port": 19300, "count": 4}],
                      paths={"/": 10}):
            with concurrent.futures.ThreadPoolExecutor() as pool:
                results = list(pool.map(
                    lambda i: load("--port", 19300 + i, "--rate", 50, "--seconds", 30,
                                   "--seed", i + 1)["all"], range(4)))
        requests = sum(r["requests"] for r in results)
        mean = sum(r["mean_ms"] * r["requests"] for r in results) / requests
        self.assertEqual(sum(r["failed"] for r in results), 0)
        self.assertAlmostEqual(mean, 20, delta=2)

    def test_every_path_has_its_own_mean(self):
        with Backends(defaults={"distribution": "const"}, servers=[{"port": 19300}],
                      paths={"/": 20, "/slow": 100}):
            result = load("--port", 19300, "--rate", 200, "--seconds", 3,
                          "--mix", "/fast:80,/slow:20")
        paths = result["paths"]
        self.assertAlmostEqual(paths["/fast"]["mean_ms"], 20, delta=4)
        self.assertAlmostEqual(paths["/slow"]["mean_ms"], 100, delta=10)
        self.assertGreaterEqual(paths["/fast"]["p50_ms"], 20)
        # 80 % of about 600, give or take five standard deviations of 9.8.
        self.assertAlmostEqual(paths["/fast"]["requests"],
                               0.8 * result["all"]["requests"], delta=49)

    def test_a_server_may_have_paths_of_its_own(self):
        with Backends(defaults={"distribution": "const"}, paths={"/": 60},
                      servers=[{"port": 19300, "paths": {"/health": 1}}, {"port": 19301}]):
            run = ["--connections", 1, "--requests", 5, "--path"]
            means = [load("--port", port, *run, path)["all"]["mean_ms"] for port, path in
                     ((19300, "/health"), (19300, "/"), (19301, "/health"))]
        for mean, expected in zip(means, (1, 60, 60)):
            self.assertAlmostEqual(mean, expected, delta=5)

    def test_a_brown_out_shows_in_the_slices_and_ends(self):
        with Backends(defaults={"distribution": "const"}, servers=[{"port": 19300}],
                      paths={"/": 10},
                      events=[{"at": 1, "server": 0, "slow": 8},
                              {"at": 2, "server": 0, "slow": 1}]) as backends:
            backends.control("/reset")
            result = load("--port", 19300, "--rate", 200, "--seconds", 3, "--slice", 1,
                          "--window", "before:0:0.9", "--window", "during:1.1:1.9")
        before, during, after = (s["p50_ms"] for s in result["slices"])
        self.assertAlmostEqual(before, 10, delta=3)
        self.assertAlmostEqual(during, 80, delta=8)
        self.assertAlmostEqual(after, 10, delta=3)
        self.assertAlmostEqual(result["windows"]["before"]["mean_ms"], 10, delta=3)
        self.assertAlmostEqual(result["windows"]["during"]["mean_ms"], 80, delta=8)

    def test_every_request_brings_its_demand_along(self):
        # The same requests at a server three times as slow: each, and so each percentile, takes
        # three times as long. Independent draws would differ by 30 % at p99 of 600 requests.
        with Backends(servers=[{"port": 19300}, {"port": 19301, "slow": 3}], paths={"/": 30}):
            runs = [load("--port", port, "--rate", 200, "--seconds", 3, "--seed", 7)
                    for port in (19300, 19301)]
        self.assertEqual(runs[0]["scheduled"], runs[1]["scheduled"])
        for key in ("mean_ms", "p50_ms", "p99_ms"):
            self.assertAlmostEqual(runs[1]["all"][key] / runs[0]["all"][key], 3, delta=0.3)

    def test_waiting_for_a_connection_counts_as_latency(self):
        # One connection, 20 ms each, 20 at once: the k-th takes 20 k ms, 210 ms on average.
        with Backends(defaults={"distribution": "const"}, servers=[{"port": 19300}],
                      paths={"/": 20}):
            result = load("--port", 19300, "--rate", 0, "--burst", "0.1:20", "--seconds", 1,
                          "--max-connections", 1)
        self.assertEqual(result["all"]["requests"], 20)
        self.assertEqual(result["most_waiting"], 19)
        self.assertAlmostEqual(result["all"]["mean_ms"], 210, delta=21)


class Waiting(unittest.TestCase):
    def test_a_long_poll_takes_no_slot_and_a_sleep_does(self):
        # One slot: two sleeps of 300 ms follow one another, ten polls do not.
        with Backends(servers=[{"port": 19300, "slots": 1}]):
            run = ["--port", 19300, "--requests", 10, "--connections", 10, "--path"]
            polls = load(*run, "/?do=wait:300")["all"]
            sleeps = load(*run, "/?do=sleep:30")["all"]
        self.assertEqual((polls["failed"], sleeps["failed"]), (0, 0))
        self.assertLess(polls["max_ms"], 450)
        self.assertGreaterEqual(sleeps["max_ms"], 300)

    def test_a_stream_keeps_its_slot_until_its_last_event(self):
        # Two at once for one slot: first events after 50 and 50 + 400 + 50 ms.
        with Backends(servers=[{"port": 19300, "slots": 1}], paths={"/": 50},
                      defaults={"distribution": "const"}) as backends:
            streams = load("--port", 19300, "--requests", 2, "--connections", 2, "--path",
                           "/?do=stream:400:400")["all"]
            self.assertAlmostEqual(backends.stats()[0]["busy_seconds"], 0.9, delta=0.1)
        self.assertEqual(streams["statuses"], {"200": 2})
        self.assertAlmostEqual(streams["first_mean_ms"], 275, delta=40)
        self.assertAlmostEqual(streams["mean_ms"], 675, delta=60)

    def test_a_websocket_stays_open_and_takes_no_slot(self):
        helper = pathlib.Path(__file__).parent / "lab/websockets.py"
        with Backends(servers=[{"port": 19300, "slots": 1}]) as backends:
            with subprocess.Popen([sys.executable, helper, "19300", "/?do=websocket:20", "5"],
                                  stdout=subprocess.PIPE, text=True) as sockets:
                self.assertEqual(sockets.stdout.readline(), "ready\n")
                time.sleep(0.3)
                server = backends.stats()[0]
                self.assertEqual((server["open_connections"], server["in_service"]), (5, 0))
                self.assertIsNone(sockets.poll())
                sockets.kill()


class Failures(unittest.TestCase):
    def test_errors_come_in_their_share(self):
        # n is about 1000: five standard deviations of a share of 0.2 are 0.063.
        with Backends(servers=[{"port": 19300, "error_share": 0.2}]) as backends:
            result = load("--port", 19300, "--rate", 500, "--seconds", 2)
            errors = backends.stats()[0]["errors"]
        everything = result["all"]
        self.assertAlmostEqual(everything["status_5xx"] / everything["requests"], 0.2, delta=0.063)
        self.assertEqual(everything["failed"], everything["status_5xx"])
        self.assertEqual(everything["statuses"]["500"], errors)

    def test_every_misbehaviour_is_seen_as_what_it_is(self):
        kinds = {"close": "closed", "reset": "reset", "truncate": "truncated",
                 "truncate-chunked": "truncated", "garbage": "garbage",
                 "garbage-header": "garbage"}
        with Backends(servers=[{"port": 19300}, {"port": 19301}]) as backends:
            for action, kind in kinds.items():
                backends.control(f"/set?server=1&do={action}")
                for port, path in ((19300, f"/?do={action}"), (19301, "/")):
                    with self.subTest(action=action, port=port):
                        everything = load("--port", port, "--connections", 2, "--requests", 20,
                                          "--path", path)["all"]
                        self.assertEqual(everything["errors"], {kind: 20})
                        self.assertEqual(everything["failed"], 20)

    def test_answers_late_slow_or_of_any_status_are_asked_for_by_query(self):
        with Backends(servers=[{"port": 19300}]):
            for status in (404, 502, 503):
                self.assertEqual(ask(19300, f"/?do=status:{status}")[0], status)
            self.assertEqual(ask(19300, "/?do=bogus")[0], 400)
            run = ["--port", 19300, "--connections", 1, "--requests", 5, "--path"]
            sleep = load(*run, "/?do=sleep:50")["all"]
            # 128 bytes in pieces of 20: six pauses of 10 ms.
            dribble = load(*run, "/?do=dribble:20:10")["all"]
            silence = load(*run, "/?do=hang", "--timeout", 0.2)["all"]
        self.assertAlmostEqual(sleep["mean_ms"], 50, delta=10)
        self.assertAlmostEqual(dribble["mean_ms"], 60, delta=12)
        self.assertEqual((sleep["failed"], dribble["failed"]), (0, 0))
        self.assertEqual((silence["timeouts"], silence["failed"]), (5, 5))
        self.assertAlmostEqual(silence["mean_ms"], 200, delta=20)

    def test_a_stale_connection_costs_no_request(self):
        with Backends(servers=[{"port": 19300, "close_after": 3}]) as backends:
            result = load("--port", 19300, "--connections", 4, "--requests", 300)
            server = backends.stats()[0]
        self.assertEqual(result["all"]["statuses"], {"200": 300})
        self.assertEqual(server["answers"], 300)
        self.assertGreaterEqual(server["connections"], 100)

    def test_a_full_queue_rejects(self):
        with Backends(defaults={"slots": 1, "queue_limit": 2, "distribution": "const"},
                      servers=[{"port": 19300}], paths={"/": 50}) as backends:
            result = load("--port", 19300, "--rate", 0, "--burst", "0:10", "--seconds", 1)
            server = backends.stats()[0]
        self.assertEqual(result["all"]["statuses"], {"200": 3, "503": 7})
        self.assertEqual((server["rejected"], server["queue_peak"]), (7, 2))

    def test_a_hanging_server_answers_when_it_is_let_go(self):
        with Backends(servers=[{"port": 19300, "hang": True}]) as backends:
            run = ["--port", 19300, "--connections", 3, "--requests", 3]
            self.assertEqual(load(*run, "--timeout", 0.2)["all"]["timeouts"], 3)
            server = backends.stats()[0]
            self.assertEqual((server["abandoned"], server["queued"]), (3, 3))
            backends.control("/set?server=0&hang=false")
            self.assertEqual(backends.stats()[0]["queued"], 0)
            self.assertEqual(load(*run)["all"]["statuses"], {"200": 3})

    def test_a_server_goes_down_and_comes_back(self):
        with Backends(servers=[{"port": 19300, "name": "a"}], paths={"/slow": 2000}) as backends:
            run = ["--port", 19300, "--connections", 2, "--requests", 4]
            backends.control("/set?server=a&down=true")
            self.assertEqual(load(*run)["all"]["errors"], {"refused": 4})
            backends.control("/set?server=a&down=false")
            self.assertEqual(load(*run)["all"]["servers"], {"a": 4})

    def test_going_down_resets_what_is_being_served(self):
        with Backends(servers=[{"port": 19300}], paths={"/": 5000},
                      events=[{"at": 0.3, "server": 0, "down": True}]) as backends:
            backends.control("/reset")
            everything = load("--port", 19300, "--connections", 5, "--requests", 5)["all"]
        self.assertEqual(everything["errors"], {"reset": 5})
        self.assertLess(everything["max_ms"], 1000)

    def test_aborted_requests_are_neither_answered_nor_failed(self):
        with Backends(defaults={"distribution": "const"}, servers=[{"port": 19300}],
                      paths={"/": 200}) as backends:
            result = load("--port", 19300, "--rate", 200, "--seconds", 2, "--abort-share", 0.25)
            server = backends.stats()[0]
        everything = result["all"]
        # 400 requests: five standard deviations of a share of 0.25 are 0.11.
        self.assertAlmostEqual(everything["aborted"] / everything["requests"], 0.25, delta=0.11)
        self.assertEqual(everything["failed"], 0)
        self.assertEqual(server["abandoned"], everything["aborted"])


class Operation(unittest.TestCase):
    def test_a_reset_restores_servers_counters_and_schedule(self):
        with Backends(servers=[{"port": 19300, "name": "a"}],
                      events=[{"at": 0, "server": 0, "do": "status:404"}]) as backends:
            self.assertEqual(ask(19300, "/")[0], 404)
            backends.control("/set?server=a&do=status:503")
            backends.control("/reset?counters")
            self.assertEqual(backends.stats()[0]["requests"], 0)
            self.assertEqual(ask(19300, "/")[0], 503)
            backends.control("/reset")
            self.assertEqual(backends.stats()[0]["answers"], 0)
            self.assertEqual(ask(19300, "/")[0], 404)

    def test_a_refused_change_says_why_and_changes_nothing(self):
        with Backends(servers=[{"port": 19300}]) as backends:
            refusal = backends.control("/set?server=0&do=status:503&slow=fast", expected=400)
            self.assertIn('/set.slow: "fast" is refused; accepted: a number', refusal)
            self.assertIn("numbers from 0 to 0",
                          backends.control("/set?server=1&slow=2", expected=400))
            self.assertEqual(ask(19300, "/")[0], 200)

    def test_the_load_report_is_there_unless_switched_off(self):
        with Backends(servers=[{"port": 19300}, {"port": 19301, "load_report": False}]):
            self.assertRegex(ask(19300, "/")[1]["endpoint-load-metrics"],
                             r"^TEXT cpu_utilization=\d\.\d+, mem_utilization=\d\.\d+, "
                             r"application_utilization=\d\.\d+, rps_fractional=\d+\.\d+$")
            self.assertNotIn("endpoint-load-metrics", ask(19301, "/")[1])

    def test_large_bodies_arrive_in_full(self):
        with Backends(servers=[{"port": 19300, "body_bytes": 8_000_000}]):
            self.assertEqual(len(ask(19300, "/")[2]), 8_000_000)

    def test_4096_servers_listen_in_one_process(self):
        servers = [{"address": f"127.0.7.{i}", "port": 19000, "count": 512} for i in range(1, 9)]
        with Backends(servers=servers) as backends:
            self.assertEqual(len(backends.stats()), 4096)
            result = load("--host", "127.0.7.8", "--port", 19511, "--connections", 2,
                          "--requests", 10)
        self.assertEqual(result["all"]["servers"], {"4095": 10})

    def test_old_clients_get_one_answer_per_connection(self):
        with Backends(servers=[{"port": 19300}]) as backends:
            for option in ("--http10", "--no-keepalive"):
                backends.control("/reset")
                run = load("--port", 19300, "--connections", 2, "--requests", 50, option)
                self.assertEqual(run["all"]["failed"], 0)
                self.assertEqual(backends.stats()[0]["connections"], 50)

    def test_a_generator_that_is_late_says_so(self):
        with Backends(servers=[{"port": 19300}]):
            self.assertIn("too late",
                          load("--port", 19300, "--seconds", 1, "--max-lag", 0, expected=3))

    def test_bad_input_is_refused_with_status_2(self):
        done = subprocess.run([BACKENDS, "-"], input='{"servers": [{"port": "x"}]}',
                              capture_output=True, text=True, timeout=10, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn('stdin: servers[0].port: "x" is refused; accepted: a whole number from 1',
                      done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("--mix", load("--port", 1, "--mix", "x", expected=2))

    def test_the_readme_names_every_key_and_option(self):
        readme = pathlib.Path(__file__).with_name("README.md").read_text(encoding="utf-8")
        for tool in (BACKENDS, LOAD):
            helped = subprocess.run([tool, "--help"], capture_output=True, text=True, timeout=10,
                                    check=True).stdout
            options = re.findall(r"--[a-z0-9-]+", helped)
            self.assertIn("--help", options)
            for option in options:
                self.assertIn(f"`{option}", readme)
        done = subprocess.run([BACKENDS, "-"], input='{"servers": [{"?": 1}]}',
                              capture_output=True, text=True, timeout=10, check=False)
        keys = done.stderr.split("accepted: ")[1].strip().split(", ")
        self.assertIn("queue_limit", keys)
        for key in keys:
            self.assertIn(f"`{key}`", readme)


if __name__ == "__main__":
    take_precedence()
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
