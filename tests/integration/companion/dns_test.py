"""The addresses of a name in the DNS become the servers of nginx."""

import random
import socket
import time
import unittest

import companion
import dns_server
import harness
from stack import PORT, SERVERS, Stack, ip

DNS, STATUS = 21520, 21521
SECONDS = 60 if harness.FULL else 6  # of changes
HELD = 15 if harness.FULL else 0     # seconds, each error


@unittest.skipIf(dns_server.DNSMASQ is None, "needs dnsmasq (Debian: dnsmasq-base)")
class Dns(Stack):
    def setUp(self):
        super().setUp()
        self.dns = self.enterContext(dns_server.DnsServer(self.folder, DNS))

    def discover(self, text, settings=""):
        self.companion = companion.Companion(self.folder, f"""
            nginx_socket {self.nginx.path('control.sock')};
            log_level debug;
            {settings}
            upstream app {{ discover dns {text} resolver=127.0.0.1:{DNS}; }}
        """)
        return self.companion

    def test_records_that_change_each_second_cost_no_request(self):
        random.seed(53)
        self.dns.set(web=[ip(1)])
        with self.discover(f"web.test:{SERVERS}"):
            self.expect(1)
            latest, truncated = 0.0, 0
            with harness.Load(PORT, clients=4, path="/ok") as load:
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    now = random.sample(range(1, 60), random.randint(1, 50))  # up to 800 bytes: truncated, and by TCP
                    began = time.monotonic()
                    self.dns.set(web=map(ip, now))
                    self.expect(*now)
                    latest = max(latest, time.monotonic() - began)
                    truncated += self.dns.is_truncated("web.test")
                    time.sleep(max(0.0, began + 1 - time.monotonic()))
        print(f"{load.sent} requests, {len(load.failures)} failed; the slowest change was there after {latest:.2f} s; "
              f"{truncated} answers were truncated")
        self.assertGreater(truncated, 0)
        self.assertEqual(load.failures, [])
        self.assertLess(latest, 3)

    def test_no_error_takes_anybody_out(self):
        self.dns.set(web=[ip(1), ip(2)])
        with self.discover(f"web.test:{SERVERS}"):
            self.expect(1, 2)
            with harness.Load(PORT, clients=2, path="/ok") as load:
                self.dns.set(other=[ip(9)])
                self.companion.wait_for_log("the DNS knows no address of it; the servers stay as they are")
                self.hold(1, 2)
                self.dns.set(web=[ip(2), ip(3)])
                self.expect(2, 3, seconds=15)
                self.dns.silence()
                self.companion.wait_for_log("web.test: Timeout while contacting DNS servers")
                self.hold(2, 3)
                self.dns.speak()
                self.companion.wait_for_log("answers again(.|\n)*answers again", 30)
                self.dns.restart_ill()
                self.companion.wait_for_log("web.test: (DNS server returned general failure|Could not contact DNS)", 15)
                harness.wait_for(lambda: self.dns.failures >= 3, "that SERVFAIL was answered", 20)
                self.hold(2, 3)
                self.dns.set(web=[ip(4)])
                self.dns.restart()
                self.expect(4, seconds=15)
            print(f"{load.sent} requests, {len(load.failures)} failed; each error stood for {HELD} s")
            self.assertEqual(load.failures, [])

    def hold(self, *servers):
        time.sleep(HELD)
        self.expect(*servers)

    def test_srv_records_have_ports_weights_and_priorities(self):
        self.dns.set(a=[ip(1)], b=[ip(2)], c=[ip(3)])
        name = "--srv-host=_http._tcp.web.test"
        self.dns.restart("--local=/test/", f"{name},a.test,{SERVERS},1,3", f"{name},b.test,{SERVERS},1,1",
                         f"{name},c.test,{SERVERS},2,1", f"{name},none.test,{SERVERS},1,1")
        with self.discover("_http._tcp.web.test srv"):
            self.expect(1, 2, 3)
            found = {s["server"]: (s["weight"], s["backup"]) for s in self.servers() if s["leastwise"]["added"]}
            self.assertEqual(found, {f"{ip(1)}:{SERVERS}": (3, False), f"{ip(2)}:{SERVERS}": (1, False),
                                     f"{ip(3)}:{SERVERS}": (1, True)})
            self.dns.set(a=[ip(1), ip(5)], b=[ip(2)])
            self.expect(1, 2, 3, 5)  # c has no address any more, but a record

    def srv(self, *hosts, more=()):
        self.dns.restart("--local=/test/", *more, *(f"--srv-host=_http._tcp.web.test,{h}.test,{SERVERS}" for h in hosts))

    def test_a_target_of_srv_keeps_its_servers_while_its_name_is_gone(self):
        self.dns.set(a=[ip(1)], b=[ip(2), ip(3)])
        self.srv("a", "b", "never")
        with self.discover("_http._tcp.web.test srv family=both", f"status 127.0.0.1:{STATUS};"):
            self.expect(1, 2, 3)
            self.wait_for_health(200)
            self.dns.set(a=[ip(1), ip(4)])
            self.companion.wait_for_log("DNS: b.test: the DNS knows no address of it; the servers that it had stay")
            self.expect(1, 2, 3, 4)
            self.wait_for_health(503)
            time.sleep(3)  # several rounds
            self.expect(1, 2, 3, 4)
            for host in ("b", "never"):
                self.assertEqual(self.companion.log().count(f"DNS: {host}.test: the DNS knows no address"), 1, self.companion.log())
            self.dns.set(a=[ip(1)], b=[ip(5)])
            self.expect(1, 5, seconds=15)
            self.companion.wait_for_log("answers again")
            self.wait_for_health(200)
            self.srv("a")
            self.expect(1, seconds=15)
            self.wait_for_health(200)

    def test_a_target_of_srv_keeps_its_servers_while_nobody_can_be_asked_for_it(self):
        self.dns.set(a=[ip(1)], b=[ip(2)])
        self.srv("a", "b")
        silent = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("127.0.0.1", 0))
        with self.discover("_http._tcp.web.test srv"):
            self.expect(1, 2)
            self.dns.set(a=[ip(1), ip(3)])
            self.srv("a", "b", more=[f"--server=/b.test/127.0.0.1#{silent.getsockname()[1]}"])
            self.companion.wait_for_log("DNS: b.test: .*; the servers that it had stay", 20)
            self.expect(1, 2, 3, seconds=15)

    def test_servers_that_refuse_are_told_as_such(self):
        self.dns.restart_ill(dns_server.REFUSED)
        with self.discover(f"web.test:{SERVERS}"):
            self.companion.wait_for_log("web.test: .*none is there, or all answer REFUSED")

    def test_the_log_calls_an_upstream_of_stream_as_the_file_does(self):
        self.dns.set(web=[ip(1)])
        pool = f"stream lobby {{ discover dns web.test:{SERVERS} resolver=127.0.0.1:{DNS}; }}"
        with self.discover(f"web.test:{SERVERS}", pool):
            self.companion.wait_for_log("warning: stream lobby: .*control.sock: 404")
            self.expect(1)
            self.assertNotIn("upstream lobby", self.companion.log())

    def wait_for_health(self, status):
        harness.wait_for(lambda: companion.get(STATUS, "/healthz")[0] == status, f"/healthz to be {status}", 15)


if __name__ == "__main__":
    unittest.main()
