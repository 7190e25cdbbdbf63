"""The files of leastwise_state, cut anywhere, with any bit turned, of somebody else, or a link: nginx
starts, and says so once."""

import os
import random
import time
import unittest

import backend
import harness
from state_stack import A, B, IS_ROOT, NEW, NOBODY, StateTest, add, do, read, servers

DAMAGES = 200 if harness.FULL else 16


class Damage(StateTest):
    def setUp(self):
        super().setUp()
        self.learned = self.file + ".learned"
        self.enterContext(backend.Backends(A, B, *NEW))
        with self.run_nginx() as nginx:
            do("PATCH", A, {"weight": 7})
            add(NEW[0])
            do("POST", B, {"for": "10m"}, "/eject")
            for _ in range(40):
                nginx.get("/ok")
            self.wait_for_kept(lambda x: len(x) == 3, 2)
            nginx.stop()  # writes the last word, what was learned too
        self.good = {path: read(path) for path in (self.file, self.learned)}
        self.assertTrue(all(self.good.values()))

    def put(self, path, content):
        with open(path, "wb") as f:
            f.write(content)
        if IS_ROOT:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)

    def restore(self):
        for path, content in self.good.items():
            self.put(path, content)

    @staticmethod
    def damaged(content, rng):
        if rng.random() < 0.5:
            return content[:rng.randrange(1, len(content))]
        at = rng.randrange(len(content))
        return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1:]

    def test_whatever_happened_to_the_files_it_starts_with_a_warning_at_most_and_serves(self):
        rng, warned = random.Random(1), 0
        for i in range(DAMAGES):
            self.restore()
            path = (self.file, self.learned)[i % 2]
            content = self.damaged(self.good[path], rng)
            self.put(path, content)
            with self.subTest(path=os.path.basename(path), i=i):
                code, said = self.run_nginx().check()  # it reads them, and writes nothing
                self.assertEqual(code, 0, said)
                warnings = [line for line in said.splitlines() if "[warn]" in line]
                self.assertLessEqual(len(warnings), 1, said)
                self.assertEqual(read(path), content)
                warned += len(warnings)
                if i % 8 < 2:
                    with self.run_nginx(workers=1) as nginx:
                        self.assertEqual({nginx.get("/ok").status for _ in range(8)}, {200})
                        self.assertLessEqual({A, B}, set(servers()))
        print(f"{DAMAGES} damaged files: all started, {warned} with a warning")
        # A bit in a number or a name may say something else that can be meant.
        self.assertGreater(warned, DAMAGES * 0.7)

    def test_links_and_folders_in_their_place_are_not_followed(self):
        secret = os.path.join(self.folder, "secret")
        for path in self.good:
            for make in (lambda p: os.symlink(secret, p), os.mkdir, os.mkfifo):
                with self.subTest(path=os.path.basename(path), make=make):
                    self.restore()
                    self.put(secret, self.good[path])
                    os.unlink(path)
                    make(path)
                    with self.run_nginx(workers=1) as nginx:
                        self.assertEqual(nginx.get("/ok").status, 200)
                        self.assertLessEqual({A, B}, set(servers()))
                        self.assertEqual(nginx.log().count("[warn]"), 2)  # in the file, and on stderr
                        time.sleep(0.3)
                    self.assertEqual(read(secret), self.good[path])
                    for left in (path, path + ".kept"):
                        if os.path.isdir(left):
                            os.rmdir(left)
                        elif os.path.lexists(left):
                            os.unlink(left)


if __name__ == "__main__":
    unittest.main()
