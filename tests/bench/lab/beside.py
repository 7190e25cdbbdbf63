"""Whether requests wait in HAProxy while another server has a free place, looked at 20 times a second."""
import csv
import io
import socket
import threading

PERIOD = 0.05


class Beside:
    """A context manager; without a socket it looks at nothing. `share`: of all looks."""

    def __init__(self, runtime_socket):
        self.path = runtime_socket
        self.looks = self.bad = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)

    @property
    def share(self):
        return self.bad / max(1, self.looks)

    def __enter__(self):
        if self.path:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        if self.path:
            self.thread.join()

    def look(self):
        while not self.over.wait(PERIOD):
            self.looks += 1
            self.bad += waits_beside_free(show_stat(self.path))


def show_stat(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(b"show stat app 6 -1\n")  # backend and servers
        parts = []
        while part := s.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


def waits_beside_free(text):
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("# "))))
    has_free = any(row["slim"] and int(row["scur"]) < int(row["slim"])
                   for row in rows if row["svname"] != "BACKEND")
    return has_free and any(int(row["qcur"] or 0) > 0 for row in rows)
