"""Completes a piece of an nginx configuration, so that `nginx -t` can read it."""

import os
import re

# Files that a configuration names and nginx opens: put into the folder of the test.
FILES = (".lua", ".pem", ".key", ".crt")
CERTIFICATES = (".pem", ".crt", ".key")
OF_SERVER = ("location", "listen", "server_name", "ssl_certificate", "ssl_certificate_key")
OF_MAIN = ("load_module", "http", "stream", "events", "user", "worker_processes",
           "worker_shutdown_timeout")


def statements(text):
    """(name, whole text) of each statement of the outermost level."""
    text = re.sub(r"#[^\n]*", "", text)
    found, start, depth = [], 0, 0
    for match in re.finditer(r"'[^']*'|\"[^\"]*\"|[{};]", text):
        mark = match.group(0)
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth < 0:
            raise ValueError("a } too many")
        if depth == 0 and mark in ";}":
            whole = text[start:match.end()].strip()
            found.append((whole.split()[0].rstrip(";"), whole))
            start = match.end()
    if depth != 0 or text[start:].strip():
        raise ValueError(f"no end: {text[start:].strip()[:40]!r}")
    return found


def level_of(name, whole):
    if name in OF_MAIN:
        return "main"
    if name in ("upstream", "map", "log_format", "limit_req_zone", "geo", "split_clients") or whole.startswith("server {"):
        return "http"
    if name in OF_SERVER or name.startswith(("proxy_", "ssl_")):
        return "server"
    return "upstream"


def complete(text, folder, modules, is_stream=False):
    """`modules`: our two, (http, stream). Also puts ports, files and unknown upstreams right."""
    text = re.sub(r"(?m)^\s*…\s*$", "", text)
    parts = {"main": [], "http": [], "server": [], "upstream": []}
    for name, whole in statements(text):
        parts[level_of(name, whole)].append(whole)
    kind = "stream" if is_stream else "http"
    inner = [p for p in parts["http"]]
    if parts["upstream"]:
        servers = "" if any(p.startswith("server ") for p in parts["upstream"]) else "server 127.0.0.1:1;"
        needs = "" if any(re.match("leastwise( |;)", p) for p in parts["upstream"]) else "leastwise;"
        observes = any("leastwise_observe on" in p for p in parts["upstream"])
        inner.append("upstream pieces { %s %s %s }" % ("" if observes else needs,
                                                       " ".join(parts["upstream"]), servers))
    if parts["server"]:
        inner.append("server { %s }" % "\n".join(parts["server"]))
    main = [p for p in parts["main"] if not p.startswith(("load_module", "user"))]
    if inner:
        main.append("%s {\n%s\n}" % (kind, "\n".join(inner)))
    body = "\n".join(main)
    return preamble(body, folder, modules) + unknown_upstreams(put_right(body, folder), folder)


def preamble(body, folder, modules):
    stream = "" if "stream {" not in body else (
        f"load_module /usr/lib/nginx/modules/ngx_stream_module.so;\nload_module {modules[1]};\n")
    events = "" if "events {" in body else "events {}\n"
    user = "user root;\n" if os.geteuid() == 0 else ""  # may write to the folder
    return (f"{user}load_module {modules[0]};\n{stream}pid {folder}/pid;\nerror_log {folder}/error.log;\n{events}")


def put_right(body, folder):
    """Ports that nothing else has, and files that are there."""
    ports = iter(range(23000, 24000))

    def listen(match):
        if "unix:" in match.group(0):
            return re.sub(r"unix:\S*?(?=[;\s])", f"unix:{folder}/{next(ports)}.sock", match.group(0))
        return re.sub(r"listen\s+\S*?(?=[;\s])", f"listen 127.0.0.1:{next(ports)}", match.group(0))

    body = re.sub(r"listen\s+[^;]*;", listen, body)
    body = re.sub(r"(leastwise_state)\s+[^;]*;", rf"\1 {folder}/state/a.json;", body)
    for extension in FILES:
        body = re.sub(rf"(?<=\s)[\w/.-]+{re.escape(extension)}(?=[;\s])",
                      f"{folder}/file{extension}", body)
    return body


def unknown_upstreams(body, folder):
    """Names that proxy_pass uses and nobody defines become upstreams; temporary folders are ours."""
    for kind in ("http", "stream"):
        part = re.search(rf"(?m)^\s*{kind} \{{", body)
        if part is None:
            continue
        known = set(re.findall(r"upstream\s+(\S+)", body))
        used = set(re.findall(r"(?:proxy_pass|grpc_pass)\s+(?:\w+://)?([A-Za-z]\w*)[;/\s]", body))
        extra = "".join(f"upstream {name} {{ server 127.0.0.1:1; }}\n" for name in sorted(used - known))
        if kind == "http":
            extra += "access_log off;\n" + "".join(
                f"{w}_temp_path {folder}/{w};\n"
                for w in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        body = body[:part.end()] + "\n" + extra + body[part.end():]
    return body
