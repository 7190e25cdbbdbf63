"""Load of servers of a `stream` upstream, which has no headers: scraped from what stands beside."""

import unittest

import harness
import probed
import stream_servers as s

PORT, STATUS = 20730, 20731
A, B, LOAD = 20732, 20733, 20734


class Says(probed.Server):
    """Says one text to whoever asks."""

    text = b""

    def _answer(self, connection):
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + self.text)


class Scrape(unittest.TestCase):
    def test_what_stands_beside_says_how_full_it_is(self):
        self.enterContext(s.Servers(A, B))
        load = self.enterContext(Says(LOAD))
        load.text = b"players 150\nseats 200\n"
        self.nginx = self.enterContext(s.nginx(STATUS, s.upstream(
            A, B, extra=f"leastwise_report scrape /load port={LOAD} interval=100ms players/seats;")
            + s.listen(PORT), workers=2))

        def said(port):
            return self.nginx.peers("stream/game")[port]["leastwise"]["report"]

        for port in (A, B):
            harness.wait_for(lambda: said(port)["utilisation"] is not None, "the load")
            self.assertAlmostEqual(said(port)["utilisation"], 0.75, places=2)
        self.assertTrue(load.probes[0].head.startswith("GET /load HTTP/1.1\r\nHost: game\r\n"))
        self.assertIn(s.ask(PORT), (A, B))


if __name__ == "__main__":
    unittest.main()
