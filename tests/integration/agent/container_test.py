"""The agent in a container: it is process 1 of its own each time, and its state is on a volume.

Usage: container_test.py AGENT BACKENDS LOAD [unittest arguments]
"""
import signal
import subprocess
import sys
import unittest

import stack
from stack import STATUS, Stack, is_listening, load, say, settled, start_load, until

stack.AGENT, stack.BACKENDS, stack.LOAD = sys.argv[1:4]
CONTAINER = ["unshare", "--pid", "--fork", "--kill-child=KILL"]


def can_contain():
    return subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode == 0


class InContainer(Stack):
    def write_agent_config(self, backend):
        super().write_agent_config(backend.replace("adaptive", "round_robin"))

    def start_agent(self, **options):
        self.start("agent", *CONTAINER, stack.AGENT, "-c", str(self.folder / "leastwise.conf"),
                   **options)
        until(lambda: is_listening(STATUS) or self.processes["agent"].poll() is not None)

    def pid_inside(self):
        pid = self.processes["agent"].pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            child = children.read().split()[0]
        with open(f"/proc/{child}/status", encoding="ascii") as status:
            line = next(text for text in status if text.startswith("NSpid:"))
        return int(line.split()[-1])

    def kill_agent(self):
        """As a container runtime does: the agent gets no chance to say anything."""
        self.end("agent", signal.SIGKILL)
        until(lambda: not is_listening(STATUS))


@unittest.skipUnless(can_contain(), "needs the right to make a process namespace (root)")
class Container(unittest.TestCase):
    def held(self, s):
        """What HAProxy has in flight or in a queue."""
        rows = [row.split(",") for row in s.runtime("show stat").splitlines()]
        return sum(int(row[2]) + int(row[4]) for row in rows if row[:1] == ["app"])

    def test_killed_and_started_again_it_gives_back_what_the_dead_one_had_in_flight(self):
        with InContainer(servers=4, server_options="maxconn 6", state=True) as s:
            self.assertEqual(s.pid_inside(), 1)
            for name in s.names:
                s.backend(f"/set?server={name}&hang=true")
            busy = start_load("--connections", 40, "--seconds", 20, "--timeout", 30)
            # All that may be; after 200 ms without a log line they would be given up.
            until(lambda: sum(p["active"] for p in s.peers().values()) == 4 * 6, step=0.002)
            s.kill_agent()
            busy.kill()
            busy.communicate()
            for name in s.names:
                s.backend(f"/set?server={name}&hang=false")
            s.start_agent()
            self.assertEqual(s.pid_inside(), 1, "the same pid as before")
            until(lambda: len(s.peers()) == 4)
            self.assertEqual({n: p["active"] for n, p in s.peers().items()},
                             dict.fromkeys(s.names, 0))
            # Until HAProxy has given up what the clients left, it has no place to give away.
            until(lambda: self.held(s) == 0)
            until(s.is_asked)
            before = s.picks()
            result = load("--connections", 4, "--requests", 300)["all"]
            picks = {n: count - before[n] for n, count in s.picks().items()}
            say(self, failed=result["failed"], **picks)
            self.assertEqual(result["failed"], 0)
            for name in s.names:
                self.assertGreater(picks[name], 10, picks)
            settled(s)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]], verbosity=2)
