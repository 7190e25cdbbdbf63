#!/usr/bin/env python3
"""examples/docker: its configurations are ones that nginx, HAProxy and the agent take; and where a
container tool works, its images are built and serve.

    docker_test.py ROOT BUILD
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
MINUTES = 25  # compiles all of it, in a root without a cache


def run(*command, **options):
    return subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)


def must(*command, **options):
    done = run(*command, **options)
    if done.returncode != 0:
        sys.exit(f"FAILED: {' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def here(text):
    """With servers that can be looked up without a network of containers."""
    return re.sub(r"\bapp[12]:80", "127.0.0.1:80", text)


def check_configurations(root, build, folder):
    docker = root / "examples/docker"
    modules = build / "nginx_module"
    load = "".join(f"load_module {m};\n" for m in (modules / "ngx_http_leastwise_module.so",))
    for name in ("nginx.conf", "app.conf"):
        text = here((docker / name).read_text())
        text = text.replace("include /etc/nginx/modules-enabled/*.conf;\n", load)
        text = text.replace("/var/log/nginx/", f"{folder}/")
        (folder / name).write_text(f"pid {folder}/pid;\nerror_log {folder}/error.log;\n" + text)
        must("nginx", "-t", "-p", folder, "-c", folder / name, "-e", folder / "error.log")
    text = here((docker / "haproxy.cfg").read_text())
    spoe = root / "examples/haproxy/leastwise.spoe.conf"
    assert "/etc/haproxy/leastwise.spoe.conf" in text
    (folder / "haproxy.cfg").write_text(text.replace("/etc/haproxy/leastwise.spoe.conf", str(spoe)))
    must("haproxy", "-c", "-f", folder / "haproxy.cfg")
    must(build / "spoe_agent/leastwise-spoa", "--check-config", "-c", docker / "leastwise.conf")
    # Nothing is copied that is not there.
    for line in (docker / "Dockerfile").read_text().splitlines():
        copied = re.match(r"COPY (?!--from)(\S+) ", line)
        assert copied is None or (root / copied.group(1)).exists(), line
    print("configurations: taken by nginx, HAProxy and the agent")


def container_tool():
    """One that works, or why there is none."""
    why = []
    for tool in ("docker", "podman"):
        if shutil.which(tool) is None:
            why.append(f"no {tool}")
        elif (info := run(tool, "info")).returncode != 0:
            why.append(f"{tool}: {info.stdout.strip().splitlines()[-1]}")
        else:
            return tool, ""
    return None, "; ".join(why)


def main():
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        check_configurations(root, build, pathlib.Path(folder))
    tool, why = container_tool()
    if tool is None:
        print(f"SKIPPED: images are not built: {why}")
        sys.exit(SKIPPED)
    for target, command in (("nginx", ("nginx", "-V")),
                            ("haproxy", ("leastwise-spoa", "--version"))):
        must(tool, "build", "-f", root / "examples/docker/Dockerfile", "--target", target,
             "-t", f"leastwise-{target}", root, timeout=MINUTES * 60)
        print(must(tool, "run", "--rm", f"leastwise-{target}", *command))


if __name__ == "__main__":
    main()
