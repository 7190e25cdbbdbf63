"""A DNS server on loopback, of Debian's python3-dnslib, whose answers change from one to the next.

Where dnslib is missing FOUND is false and tests that need it say so.
"""

import importlib.util

FOUND = importlib.util.find_spec("dnslib") is not None
WHY_NOT = "needs python3-dnslib"


class Names:
    """Use as a context manager. `zone` maps a name and a type to the data of its records."""

    def __init__(self, port, zone=None):
        self.port, self.zone = port, zone or {}
        self.asked = 0

    def __enter__(self):
        from dnslib.server import DNSLogger, DNSServer
        self._server = DNSServer(self, port=self.port, address="127.0.0.1",
                                 logger=DNSLogger(log="error", prefix=False))
        self._server.start_thread()
        return self

    def __exit__(self, *_):
        self._server.stop()
        self._server.server.server_close()

    def resolve(self, request, _handler):
        """What dnslib's server asks."""
        from dnslib import QTYPE, RR
        self.asked += 1
        reply = request.reply()
        name, kind = str(request.q.qname).rstrip("."), QTYPE[request.q.qtype]
        for data in self.zone.get((name, kind), ()):
            reply.add_answer(*RR.fromZone(f"{name}. 1 IN {kind} {data}"))
        return reply
