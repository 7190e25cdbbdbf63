"""examples/nginx/tcp_game.conf with hundreds of players of whose four servers one is slow."""

import asyncio
import collections
import unittest

import game

PORT, STATUS = 20660, 20661
SERVERS = (20662, 20663, 20664, 20665)
SLOW = SERVERS[1]
LEARNED = 60  # joins
TICKS = {port: 0.04 if port == SLOW else 0.01 for port in SERVERS}


class TcpGame(unittest.TestCase):
    def run_with(self, change):
        with game.Ticking(TICKS), game.Example("tcp_game.conf", PORT, STATUS, SERVERS, change):
            return asyncio.run(game.play_tcp(PORT, players=500, seconds=8, stay=6, pause=0.25))

    def test_who_joins_once_it_is_known_who_is_slow_goes_elsewhere_more_often(self):
        joins, moves, served = self.run_with(lambda text: text)
        old_joins, old_moves, old_served = self.run_with(game.with_least_conn)
        self.assertEqual((len(joins), len(old_joins)), (500, 500))
        new, old = joins[LEARNED:], old_joins[LEARNED:]
        p95, p99, old_p95, old_p99 = (game.quantile(of, q) for of in (new, old) for q in (.95, .99))
        mean, old_mean = sum(moves) / len(moves), sum(old_moves) / len(old_moves)
        print(f"first byte p95 {p95 * 1e3:.1f} ms, least_conn {old_p95 * 1e3:.1f} ms;"
              f" p99 {p99 * 1e3:.1f} ms, least_conn {old_p99 * 1e3:.1f} ms;"
              f" mean of moves {mean * 1e3:.1f} ms, least_conn {old_mean * 1e3:.1f} ms;"
              f" sessions {dict(collections.Counter(served))},"
              f" least_conn {dict(collections.Counter(old_served))}")
        usual = [served.count(port) for port in SERVERS if port != SLOW]
        self.assertLess(max(usual), 1.5 * min(usual))
        # Not by the times: beside a compiler all servers are slow. How few depends on how soon it is
        # known that sessions delay nobody.
        self.assertLess(served.count(SLOW), min(usual))


if __name__ == "__main__":
    unittest.main()
