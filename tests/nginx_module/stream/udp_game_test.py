"""examples/nginx/udp_game.conf with thousands of short exchanges, while one of four servers dies."""

import asyncio
import collections
import unittest

import game

PORT, STATUS = 20670, 20671
SERVERS = (20672, 20673, 20674, 20675)
ODD = SERVERS[1]
# Of a server that answers at once ten times its work is a millisecond or two: less than a processor may be late.
TICK = 0.01
PLAYERS, RATE = 200, 500  # Python may be given a third of a processor: twice as many are more than it answers then


class UdpGame(unittest.TestCase):
    def play(self, ticks, seconds, events):
        with game.Ticking(ticks, udp=True) as servers, \
                game.Example("udp_game.conf", PORT, STATUS, SERVERS):
            calls = [(at, lambda p=p: servers.stop(p)) for at, p in events]
            return asyncio.run(game.play_udp(PORT, PLAYERS, RATE, seconds, calls))

    def test_a_dead_server_loses_little_and_moves_nobody_else(self):
        died = 3
        start, players = self.play(dict.fromkeys(SERVERS, TICK), seconds=8, events=[(died, ODD)])
        sent = lost = stayed = of = 0
        for player in players:
            late = [t for t in player.sent if t > start + died + 2]
            sent += len(late)
            lost += len(late) - sum(t > start + died + 2 for t, _ in player.answers)
            homes = collections.Counter(p for t, p in player.answers if t > start + 1)
            home, times = homes.most_common(1)[0]
            if home != ODD and ODD not in homes:
                of += sum(homes.values())
                stayed += times
        print(f"lost {lost} of {sent} from 2 s after the death on ({lost / sent:.2%}); players of"
              f" other servers stayed in {stayed / of:.2%} of {of} exchanges")
        self.assertLessEqual(lost, 0.01 * sent)
        self.assertGreater(stayed, 0.95 * of)


if __name__ == "__main__":
    unittest.main()
