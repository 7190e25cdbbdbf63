"""HAProxy in front of model servers, with what `--haproxy-config` prints for the agent's policy, or plain."""
import subprocess
import time

import stack
from printed import Printed
from stack import FEEDBACK, STATUS, WEB, Stack, until

CONFIG = f"""
global
    stats socket FOLDER/admin.sock mode 600 level admin

defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s

frontend web
    bind 127.0.0.1:{WEB}
    default_backend app

backend app
    balance BALANCE
SERVERS
"""

AGENT_CONFIG = f"""listen unix:FOLDER/spoa.sock;
feedback 127.0.0.1:{FEEDBACK};
haproxy_socket FOLDER/admin.sock;
status 127.0.0.1:{STATUS};
backend app {{ policy POLICY; }}
"""


class ModelsStack(Stack):
    """Servers at `ports`, which somebody else starts; without a policy HAProxy balances alone."""

    def __init__(self, ports, policy="inference", balance="leastconn"):
        super().__init__()
        self.names = [f"s{i + 1}" for i in range(len(ports))]
        self.ports = dict(zip(self.names, ports))
        self.policy, self.balance = policy, balance

    def __enter__(self):
        try:
            self.write_files()
            if self.policy:
                self.start_agent()
            self.start_haproxy()
            if self.policy:
                until(lambda: self.peers().keys() >= set(self.names))
                time.sleep(0.5)  # HAProxy's check of the agent
        except BaseException:
            Stack.__exit__(self)
            raise
        return self

    def write_files(self):
        folder = str(self.folder)
        servers = "\n".join(f"    server {n} 127.0.0.1:{p}" for n, p in self.ports.items())
        config = CONFIG
        for old, new in (("FOLDER", folder), ("SERVERS", servers), ("BALANCE", self.balance)):
            config = config.replace(old, new)
        if not self.policy:  # events one by one, too
            config = config.replace("mode http\n", "mode http\n    option http-no-delay\n")
        (self.folder / "haproxy.cfg").write_text(config)
        if self.policy:
            self.add_agent(config)
        check = subprocess.run([stack.HAPROXY, "-dW", "-c", "-f", str(self.folder / "haproxy.cfg")],
                               text=True, check=False, capture_output=True)
        assert check.returncode == 0, check.stderr + config

    def add_agent(self, config):
        folder = str(self.folder)
        agent = AGENT_CONFIG.replace("FOLDER", folder).replace("POLICY", self.policy)
        (self.folder / "leastwise.conf").write_text(agent)
        printed = subprocess.run(
            [stack.AGENT, "-c", "leastwise.conf", "--haproxy-config", "app", "--haproxy-cfg",
             "haproxy.cfg"], check=True, capture_output=True, text=True, cwd=self.folder).stdout
        printed = Printed(printed)
        config = printed.paste(config)
        (self.folder / "haproxy.cfg").write_text(config.replace("/etc/haproxy/", folder + "/"))
        (self.folder / "leastwise.spoe.conf").write_text(printed.parts["leastwise.spoe.conf"][0])
