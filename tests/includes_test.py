#!/usr/bin/env python3
"""Holds the walls between the rooms: which folder may include which.

    includes_test.py ROOT

A room is a folder under a part's src/. Each may include itself, the rooms named here, the public
headers (leastwise/…) and libraries. A new folder needs its line, so that its place is a decision.
"""
import pathlib
import re
import sys
import tempfile

# From the bottom up; what stands on the right must come before.
ROOMS = {
    "core/src": {
        "words": (),
        "prompt": ("words",),
        "model": ("words",),
        "memory": ("words", "prompt", "model"),
        "guard": ("words", "model", "memory"),
        "pick": ("words", "prompt", "memory"),
        "policies": ("words", "prompt", "memory", "pick"),
        "learn": ("words", "model", "memory", "guard", "pick"),
        "tune": (),
        "render": ("words", "model", "memory", "guard", "pick", "tune"),
    },
    "nginx_module/src": {
        "state": (),
        "shared": ("state",),
        "probe": ("shared",),
        "control": ("shared",),
        "http": ("shared", "probe", "control"),
        "stream": ("shared", "probe"),
    },
    "spoe_agent/src": {
        "spop": (),
        "config": (),
        "serve": ("spop", "config"),
        "haproxy": ("config", "serve"),
        "steer": ("haproxy",),
        "share": ("config", "serve"),
        "balance": ("spop", "config", "serve", "haproxy", "steer", "share"),
        "admin": ("config", "serve", "balance"),
        "net": (),
        "discovery": ("net",),
        "drive": ("config", "serve", "haproxy", "share", "net", "discovery"),
        "companion": ("config", "serve", "share", "net", "discovery", "drive"),
    },
}

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
SOURCES = {".h", ".cc", ".c", ".def"}


def room_of(path, rooms):
    """The room that a path below src/ is in; None when it is in none."""
    first = path.split("/")[0]
    return first if first in rooms else None


def broken(root, src, rooms):
    """Yields a line for each include that a wall stands against."""
    base = root / src
    for file in sorted(p for p in base.rglob("*") if p.suffix in SOURCES):
        inside = file.relative_to(base).as_posix()
        room = room_of(inside, rooms)
        if room is None:
            if "/" in inside:
                yield f"{src}/{inside}: the folder {inside.split('/')[0]} has no line in ROOMS"
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            other = found.group(1)
            target = room_of(other, rooms)
            if target is None and (base / file.parent / other).exists() and "/" not in other:
                yield f"{src}/{inside}:{number}: include \"{other}\" by its path from {src}/"
            if target is not None and target != room and target not in rooms[room]:
                allowed = ", ".join(rooms[room]) or "no other room"
                yield (f"{src}/{inside}:{number}: {room} must not include {target} "
                       f"(\"{other}\"); it may include {allowed}")


def cycles(src, rooms):
    """Yields a line for each room that is allowed what comes after it."""
    order = list(rooms)
    for room, allowed in rooms.items():
        for other in allowed:
            if other not in rooms or order.index(other) >= order.index(room):
                yield f"{src}: {room} must not be allowed {other}: dependencies point one way"


def self_check():
    """A wall that nothing can break would be none: three files that must be refused."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {"low/a.h": '#include "high/b.h"\n', "low/c.cc": '#include "a.h"\n',
                           "new/d.h": "\n"}.items():
            path = root / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        faults = list(broken(root, "src", {"low": (), "high": ("low",)}))
    return len(faults) == 3 and "src/low/a.h:1: low must not include high" in faults[0]


def main():
    root = pathlib.Path(sys.argv[1])
    faults, files = [] if self_check() else ["the check itself finds nothing"], 0
    for src, rooms in ROOMS.items():
        found = [p for p in (root / src).rglob("*") if p.suffix in SOURCES]
        files += len(found)
        faults += list(cycles(src, rooms)) + list(broken(root, src, rooms))
        for room in rooms:
            if not (root / src / room).is_dir():
                faults.append(f"{src}: no folder {room}")
    print("\n".join(faults) if faults else f"{files} files, all walls stand")
    return 1 if faults or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
