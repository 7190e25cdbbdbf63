"""More workers than the pool has rows for: those beyond are not counted, and spoil nothing."""

import os
import re
import signal
import unittest

import backend
import harness

PORT = 20180
A = 20181
ROWS = 256
WORKERS = ROWS + 4
NOT_COUNTED = re.compile(rf'{ROWS} workers use upstream "app" already')
CONFIG = (f"upstream app {{ leastwise; server 127.0.0.1:{A}; }} server {{ listen {PORT};"
          " location / { proxy_pass http://app; }"
          " location = /leastwise { leastwise_status; } }")


@unittest.skipIf(harness.SANITIZED, "so many workers do not fit")
class Crowd(unittest.TestCase):
    def setUp(self):
        self.enterContext(backend.Backends(A))
        self.nginx = self.enterContext(harness.Nginx(PORT, CONFIG, workers=WORKERS))

    def told(self):
        return len(NOT_COUNTED.findall(self.nginx.log()))

    def processes(self):
        return self.nginx.status()["model"]["processes"]

    def test_who_has_no_row_says_so_once_and_gets_the_next_that_is_free(self):
        harness.wait_for(lambda: self.told() == WORKERS - ROWS, "those without a row to say so", 30)
        self.assertEqual(self.processes(), ROWS)
        with harness.Load(PORT, clients=8) as load:
            harness.wait_for(lambda: load.sent > 500, "some answers", 30)
            for pid in self.nginx.children()[:20]:
                os.kill(pid, signal.SIGKILL)
            before = load.sent
            harness.wait_for(lambda: load.sent > before + 500, "some more", 30)
        # Who was killed had a request, at most: nothing of it stays, nothing is given back twice.
        harness.wait_for(lambda: self.nginx.in_flight() == 0, "all to be given back", 10)
        harness.wait_for(lambda: len(self.nginx.children()) == WORKERS, "all workers", 10)
        harness.wait_for(lambda: self.processes() == ROWS, "all rows to be taken", 10)


if __name__ == "__main__":
    unittest.main()
