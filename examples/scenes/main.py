#!/usr/bin/env python3
"""Plays a scene. See run.sh, which builds what this needs."""

import argparse
import importlib
import urllib.request

import stage

SCENES = ("web", "cloud", "game")


def main():
    options = argparse.ArgumentParser(prog="examples/scenes/run.sh")
    options.add_argument("scene", choices=SCENES)
    options.add_argument("--once", action="store_true", help="stop after the table")
    options.add_argument("--seconds", type=int, choices=range(2, 601), metavar="2…600",
                         help="how long each method is measured")
    options.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.check:
        return
    with stage.Stage() as scene:
        print("measuring")
        page, traffic = importlib.import_module(chosen.scene).play(scene, chosen.seconds)
        with urllib.request.urlopen(page, timeout=5) as answer:
            assert answer.headers["Content-Type"].startswith("text/html"), "no live page"
        if chosen.once:
            print(f"\nThe live page was at {page}")
            return
        traffic()
        print(f"\nStill running, with a little load, until you press Ctrl-C: the live page is at {page}\n"
              f"The configuration is {scene.folder}/nginx.conf", flush=True)
        stage.wait_for_the_end()


if __name__ == "__main__":
    main()
