"""What is learned from a TCP session, and what counts as a failure."""

import contextlib
import time
import unittest

import harness
import stream_servers as s

STATUS, PORT = 20600, 20601
A, B, C = 20602, 20603, 20604
POOL = "stream/game"


class Outcomes(unittest.TestCase):
    def setUp(self):
        self.servers = self.enterContext(s.Servers(A, B, C))

    def nginx(self, *servers, extra="", server="", **options):
        return self.enterContext(s.nginx(
            STATUS, s.upstream(*servers, extra=extra) + s.listen(PORT, server), **options))

    def settled(self, nginx):
        harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "sessions to end")
        return s.results(nginx)

    def test_sessions_are_answered_and_counted(self):
        nginx = self.nginx(A, B, C)
        self.assertLessEqual({s.ask(PORT) for _ in range(30)}, {A, B, C})
        ended = self.settled(nginx)
        self.assertEqual(sum(r.get("ok", 0) for r in ended.values()), 30, ended)
        self.assertEqual(sum(sum(r.values()) for r in ended.values()), 30, ended)

    def test_a_session_is_in_flight_while_it_lasts_and_is_learned_from_at_its_first_byte(self):
        nginx = self.nginx(A)
        with contextlib.closing(s.tcp(PORT)) as client:
            client.sendall(b"hello")
            self.assertEqual(client.recv(100), b"%d" % A)
            peer = harness.wait_for(
                lambda: (p := nginx.peers(POOL)[A])["leastwise"]["results"]["ok"] and p, "an answer")
            self.assertEqual((peer["active"], peer["leastwise"]["held"]), (1, 1))
        self.assertEqual(self.settled(nginx), {A: {"ok": 1}})

    def test_what_the_client_waits_before_it_speaks_is_not_the_servers_time(self):
        nginx = self.nginx(A)
        with contextlib.closing(s.tcp(PORT)) as client:
            time.sleep(0.4)
            client.sendall(b"hello")
            client.recv(100)
        self.settled(nginx)
        self.assertLess(nginx.peers(POOL)[A]["header_time"], 200)

    def test_what_the_session_lasts_is_not_the_servers_time(self):
        nginx = self.nginx(A)
        with contextlib.closing(s.tcp(PORT)) as client:
            client.sendall(b"hello")
            client.recv(100)
            time.sleep(0.4)
        self.settled(nginx)
        self.assertLess(nginx.peers(POOL)[A]["response_time"], 200)

    def test_sample_full_learns_from_the_whole_session(self):
        nginx = self.nginx(A, extra="leastwise_sample full;")
        with contextlib.closing(s.tcp(PORT)) as client:
            client.sendall(b"hello")
            client.recv(100)
            time.sleep(0.4)
        self.assertEqual(self.settled(nginx), {A: {"ok": 1}})
        self.assertGreater(nginx.peers(POOL)[A]["response_time"], 390)

    def test_a_slow_first_byte_is_the_servers_time(self):
        self.servers.mode[A], self.servers.delay = "slow", 0.3
        nginx = self.nginx(A)
        self.assertEqual(s.ask(PORT), A)
        self.settled(nginx)
        peer = nginx.peers(POOL)[A]
        self.assertGreater(peer["header_time"], 290)
        self.assertGreater(peer["connect_time"], 0)
        self.assertLess(peer["connect_time"], 100)

    def test_a_server_that_speaks_first_is_measured_from_the_connection_on(self):
        self.servers.mode[A] = "greet"
        nginx = self.nginx(A)
        with contextlib.closing(s.tcp(PORT)) as client:
            self.assertEqual(client.recv(100), b"%d" % A)
            time.sleep(0.3)
            client.sendall(b"hello")
            client.recv(100)
        self.assertEqual(self.settled(nginx), {A: {"ok": 1}})
        self.assertLess(nginx.peers(POOL)[A]["header_time"], 200)

    def test_a_refused_connection_is_a_failure_and_tried_elsewhere(self):
        self.servers.stop(A)
        nginx = self.nginx(A, B, extra="leastwise_key x; leastwise_affinity 1;")
        self.assertEqual({s.ask(PORT) for _ in range(6)}, {B})
        ended = self.settled(nginx)
        self.assertEqual(ended[B], {"ok": 6})
        self.assertEqual(set(ended[A]), {"refused"})
        self.assertEqual(nginx.peers(POOL)[A]["state"], "unavail")

    def test_proxy_next_upstream_off_tries_nobody_else(self):
        self.servers.stop(A)
        nginx = self.nginx(A, B, server="proxy_next_upstream off;")
        answers = [s.ask(PORT) for _ in range(6)]
        self.assertEqual(answers.count(None), 1, answers)  # then it is out by max_fails
        self.assertEqual(self.settled(nginx)[A], {"refused": 1})

    def test_a_connection_that_takes_too_long_is_refused(self):
        with contextlib.closing(FullQueue(20609)):
            nginx = self.nginx("server 127.0.0.1:20609;", B, server="proxy_connect_timeout 200ms;")
            self.assertEqual({s.ask(PORT) for _ in range(4)}, {B})
            self.assertEqual(self.settled(nginx)[20609], {"refused": 1})

    def test_a_reset_before_any_byte_is_a_failure(self):
        self.servers.mode[A] = "reset"
        nginx = self.nginx(A)
        self.assertIsNone(s.ask(PORT))
        self.assertEqual(self.settled(nginx), {A: {"reset": 1}})

    def test_an_orderly_end_without_a_byte_is_none(self):
        self.servers.mode[A] = "close"
        nginx = self.nginx(A)
        self.assertIsNone(s.ask(PORT))
        self.assertEqual(self.settled(nginx), {A: {"ok": 1}})

    def test_a_client_that_says_nothing_and_leaves_is_gone(self):
        nginx = self.nginx(A)
        with contextlib.closing(s.tcp(PORT)):
            harness.wait_for(lambda: self.servers.sessions[A], "the session")
        self.assertEqual(self.settled(nginx), {A: {"client_gone": 1}})
        self.assertEqual(nginx.peers(POOL)[A]["response_time"], 0)

    def test_a_client_that_leaves_a_silent_server_is_gone_once_servers_were_seen_to_answer(self):
        nginx = self.nginx(A)
        s.ask(PORT)
        self.servers.mode[A] = "silent"
        with contextlib.closing(s.tcp(PORT)) as client:
            client.sendall(b"hello")
            harness.wait_for(lambda: len(self.servers.got) == 2, "the question")
        self.assertEqual(self.settled(nginx), {A: {"ok": 1, "client_gone": 1}})

    def test_a_server_that_is_silent_for_proxy_timeout_failed_where_others_answer(self):
        nginx = self.nginx(A, server="proxy_timeout 300ms;")
        s.ask(PORT)
        self.servers.mode[A] = "silent"
        self.assertIsNone(s.ask(PORT))
        self.assertEqual(self.settled(nginx), {A: {"ok": 1, "timeout": 1}})

    def test_who_only_takes_does_not_fail_by_its_silence(self):
        self.servers.mode[A] = "silent"
        nginx = self.nginx(A, server="proxy_timeout 200ms;")
        self.assertIsNone(s.ask(PORT))
        self.assertEqual(self.settled(nginx), {A: {"ok": 1}})


class FullQueue:
    """A port that nobody accepts connections on: those that do not fit get no answer."""

    def __init__(self, port):
        self._listener = s.socket.socket()
        self._listener.setsockopt(s.socket.SOL_SOCKET, s.socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(0)
        self._clients = []
        for _ in range(3):
            client = s.socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            self._clients.append(client)

    def close(self):
        for each in (self._listener, *self._clients):
            each.close()


if __name__ == "__main__":
    unittest.main()
