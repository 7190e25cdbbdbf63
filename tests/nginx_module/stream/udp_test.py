"""Sessions over UDP: what is learned from, what fails, and that nobody loses much by it."""

import contextlib
import unittest

import harness
import stream_servers as s

STATUS, PORT = 20610, 20611
A, B, C = 20612, 20613, 20614
POOL = "stream/game"


class Udp(unittest.TestCase):
    def setUp(self):
        self.servers = self.enterContext(s.Servers(A, B, C, udp=True))

    def nginx(self, *servers, extra="", server="proxy_responses 1; proxy_timeout 500ms;"):
        return self.enterContext(s.nginx(
            STATUS, s.upstream(*servers, extra=extra) + s.listen(PORT, server, udp=True)))

    def settled(self, nginx):
        harness.wait_for(lambda: nginx.in_flight(POOL) == 0, "sessions to end")
        return s.results(nginx)

    def test_exchanges_are_answered_and_counted(self):
        nginx = self.nginx(A, B, C)
        self.assertLessEqual({s.ask_udp(PORT) for _ in range(30)}, {A, B, C})
        ended = self.settled(nginx)
        self.assertEqual(sum(r.get("ok", 0) for r in ended.values()), 30, ended)
        self.assertEqual(sum(sum(r.values()) for r in ended.values()), 30, ended)

    def test_the_first_answer_is_the_servers_time(self):
        self.servers.mode[A], self.servers.delay = "slow", 0.2
        nginx = self.nginx(A)
        self.assertEqual(s.ask_udp(PORT), A)
        self.settled(nginx)
        self.assertGreater(nginx.peers(POOL)[A]["header_time"], 190)
        self.assertEqual(nginx.peers(POOL)[A]["connect_time"], 0)

    def test_a_refused_datagram_is_a_failure(self):
        self.servers.stop(A)
        nginx = self.nginx(A)
        self.assertIsNone(s.ask_udp(PORT, timeout=0.3))
        self.assertEqual(self.settled(nginx), {A: {"refused": 1}})

    def test_a_refused_datagram_ends_the_session_and_the_next_goes_elsewhere(self):
        nginx = self.nginx(A, B, server="proxy_timeout 20s;")
        with contextlib.closing(s.udp(0.3)) as client:
            first = s.ask_udp(PORT, client=client)
            self.servers.stop(first)
            self.assertIsNone(s.ask_udp(PORT, client=client))
            self.assertEqual(s.ask_udp(PORT, client=client), A + B - first)
        self.assertEqual(s.results(nginx)[first], {"ok": 1, "refused": 1})

    def test_an_answer_that_does_not_come_in_time_is_a_failure(self):
        self.servers.mode[A] = "silent"
        nginx = self.nginx(A)
        self.assertIsNone(s.ask_udp(PORT, timeout=0.1))
        self.assertEqual(self.settled(nginx), {A: {"timeout": 1}})

    def test_silence_fails_with_any_number_of_answers_once_servers_were_seen_to_answer(self):
        nginx = self.nginx(A, server="proxy_timeout 300ms;")
        s.ask_udp(PORT)
        self.servers.mode[A] = "silent"
        s.ask_udp(PORT, timeout=0.1)
        self.assertEqual(self.settled(nginx), {A: {"ok": 1, "timeout": 1}})

    def test_who_is_only_sent_to_does_not_fail_by_its_silence(self):
        self.servers.mode[A] = "silent"
        for server in ("proxy_timeout 200ms;", "proxy_responses 0;",
                       "proxy_responses 0; proxy_requests 3; proxy_timeout 200ms;"):
            with self.subTest(server), s.nginx(
                    STATUS, s.upstream(A) + s.listen(PORT, server, udp=True)) as nginx:
                s.ask_udp(PORT, timeout=0.1)
                self.assertEqual(self.settled(nginx), {A: {"ok": 1}})

    def test_a_session_is_learned_from_at_its_first_answer_and_in_flight_while_it_lasts(self):
        nginx = self.nginx(A, server="proxy_timeout 20s;")
        self.assertEqual(s.ask_udp(PORT), A)
        harness.wait_for(lambda: s.results(nginx) == {A: {"ok": 1}}, "the answer")
        self.assertEqual(nginx.in_flight(POOL), 1)

    def test_proxy_requests_ends_a_session_and_the_next_datagram_begins_another(self):
        nginx = self.nginx(A, server="proxy_requests 2; proxy_responses 1; proxy_timeout 5s;")
        with contextlib.closing(s.udp()) as client:
            for _ in range(4):
                self.assertEqual(s.ask_udp(PORT, client=client), A)
        self.assertEqual(self.settled(nginx), {A: {"ok": 2}})

    def test_a_dead_server_costs_few_exchanges(self):
        nginx = self.nginx(A, B, C)
        self.servers.stop(A)
        lost = sum(s.ask_udp(PORT, timeout=0.2) is None for _ in range(300))
        # One exchange is lost each time that fail_timeout is over (10 s), and at first.
        self.assertLessEqual(lost, 3)
        self.assertEqual(self.settled(nginx)[A]["refused"], lost)

    def test_a_client_stays_with_its_server_by_affinity_and_its_address(self):
        self.nginx(A, B, C, extra="leastwise_affinity 20;")
        self.assertEqual(len({s.ask_udp(PORT) for _ in range(60)}), 1)

    def test_clients_with_keys_of_their_own_stay_and_are_spread(self):
        text = (f"upstream game {{ leastwise hash; leastwise_key $remote_addr:$remote_port;"
                f" server 127.0.0.1:{A}; server 127.0.0.1:{B}; server 127.0.0.1:{C}; }}"
                + s.listen(PORT, "proxy_responses 1;", udp=True))
        self.enterContext(s.nginx(STATUS, text))
        clients = [self.enterContext(contextlib.closing(s.udp())) for _ in range(30)]
        first = [s.ask_udp(PORT, client=client) for client in clients]
        again = [s.ask_udp(PORT, client=client) for client in clients]
        self.assertEqual(first, again)
        self.assertEqual(set(first), {A, B, C})


if __name__ == "__main__":
    unittest.main()
