"""Configuration files of one run: the proxy's, the agent's, the servers'. Pure."""
import json

from balancers import Balancer
from scenario import SLOTS, Scenario

WEB, FEEDBACK, STATUS, CONTROL, FIRST_SERVER = 22000, 22001, 22002, 22003, 22100


def names(scenario: Scenario):
    return [f"s{i}" for i in range(len(scenario.slow))]


def weights(scenario: Scenario):
    return dict(zip(names(scenario), scenario.weights or (1,) * len(scenario.slow)))


def backends(scenario: Scenario, seed):
    servers = [{"name": name, "port": FIRST_SERVER + i, "slow": scenario.slow[i],
                **scenario.special.get(i, {})} for i, name in enumerate(names(scenario))]
    # An event names the speed of a server relative to what it is by itself.
    events = [{**e, "slow": e["slow"] * scenario.slow[int(e["server"])]} if "slow" in e else e
              for e in scenario.events]
    return json.dumps({"control": CONTROL, "seed": seed, "paths": scenario.paths,
                       "defaults": {"slots": SLOTS, **scenario.defaults},
                       "servers": servers, "events": events})


def nginx(scenario: Scenario, balancer: Balancer, folder, module):
    servers = "".join(f"    server 127.0.0.1:{FIRST_SERVER + i} weight={weight} "
                      f"{scenario.nginx_server};\n"
                      for i, weight in enumerate(weights(scenario).values()))
    load_module = f"load_module {module};\n" if balancer.policy else ""
    zone = "" if balancer.policy else "    zone app 8m;\n"
    temporary = "".join(f"  {part}_temp_path {folder}/{part};\n" for part in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return (f"{load_module}daemon off;\nuser root;\nworker_processes 2;\npid {folder}/nginx.pid;\n"
            f"error_log {folder}/error.log warn;\nworker_rlimit_nofile 65536;\n"
            "events { worker_connections 8192; }\n"
            f"http {{\n  access_log off;\n{temporary}  proxy_http_version 1.1;\n"
            "  map $http_upgrade $to_server { default upgrade; '' ''; }\n"
            "  proxy_set_header Upgrade $http_upgrade;\n"
            "  proxy_set_header Connection $to_server;\n  keepalive_requests 1000000;\n"
            f"  proxy_read_timeout {scenario.timeout:g}s;\n  proxy_connect_timeout 1s;\n"
            f"  upstream app {{\n{zone}    {balancer.method}\n{servers}    keepalive 64;\n"
            "    keepalive_requests 1000000;\n  }\n"
            f"  server {{ listen 127.0.0.1:{WEB}; location / {{ "
            f"proxy_pass http://app; {scenario.nginx} }} }}\n}}\n")


def agent(balancer: Balancer, folder):
    return (f"listen unix:{folder}/spoa.sock;\nfeedback 127.0.0.1:{FEEDBACK};\n"
            f"haproxy_socket {folder}/admin.sock;\nstatus 127.0.0.1:{STATUS};\n"
            f"backend app {{ mode {balancer.mode}; policy {balancer.policy}; }}\n")


def haproxy(scenario: Scenario, balancer: Balancer, folder):
    servers = "".join(f"    server {name} 127.0.0.1:{FIRST_SERVER + i} weight {weight} "
                      f"{scenario.haproxy_server}\n"
                      for i, (name, weight) in enumerate(weights(scenario).items()))
    servers = f"    {scenario.haproxy}\n{servers}" if scenario.haproxy else servers
    common = (f"global\n    stats socket {folder}/admin.sock mode 600 level admin\n    nbthread 2\n"
              "defaults\n    mode http\n    timeout connect 1s\n    timeout client 30s\n"
              f"    timeout server {scenario.timeout:g}s\n    retries 3\n    option redispatch 1\n"
              f"frontend web\n    bind 127.0.0.1:{WEB}\n    default_backend app\n")
    if not balancer.policy or balancer.mode == "weights":
        method = scenario.weights_method if balancer.mode == "weights" else balancer.method
        return f"{common}backend app\n    {method}\n{servers}"
    return (common.replace("    default_backend app\n", f"""\
    log 127.0.0.1:{FEEDBACK} format raw local0
    log-format "leastwise id=%[var(txn.leastwise.id)] s=%s st=%ST Tw=%Tw Tc=%Tc Tr=%Tr Ta=%Ta tsc=%tsc B=%B U=%U rc=%rc %[var(txn.leastwise.more)]"
    default_backend app
""") + f"""\
backend app
    filter spoe engine leastwise config {folder}/spoe.conf
    {balancer.method}
    use-server %[var(txn.leastwise.srv)] if {{ var(txn.leastwise.srv) -m found }}
    use-server %[var(txn.leastwise.srv2)] if {{ var(txn.leastwise.srv2) -m found }}
    http-response set-var-fmt(txn.leastwise.more) "len=%[res.hdr(content-length),bytes(0,20)]"
{servers}defaults leastwise
    mode tcp
    timeout connect 100ms
    timeout server 60s

backend leastwise_agent from leastwise
    option spop-check
    timeout check 50ms
    server agent unix@{folder}/spoa.sock check inter 200ms fall 2 rise 1
""")
