"""cmake/FindNginx.cmake: configures somebody's nginx sources and leaves them as they were.

Usage: find_nginx_test.py CMAKE [unittest arguments]
"""
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGED = pathlib.Path("/usr/share/nginx/src")

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
include(GNUInstallDirs)
list(APPEND CMAKE_MODULE_PATH {root}/cmake)
find_package(Nginx 1.22 REQUIRED)
add_library(user OBJECT user.c)
target_link_libraries(user PRIVATE Nginx::headers)
"""
USER = "#include <ngx_config.h>\n#include <ngx_core.h>\nint has_compat[NGX_COMPAT];\n"
# The end of auto/init of nginx's own sources; the package lacks it.
WRITES_MAKEFILE = """
cat << END                                                    > Makefile

default:	build

clean:
	rm -rf Makefile $NGX_OBJS
END
"""


def contents(folder):
    """What each file below `folder` holds."""
    return {str(path.relative_to(folder)):
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for path in folder.rglob("*")}


class FindNginx(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leastwise-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.sources = self.folder / "nginx"
        shutil.copytree(PACKAGED, self.sources)
        with open(self.sources / "auto" / "init", "a", encoding="utf-8") as init:
            init.write(WRITES_MAKEFILE)
        (self.sources / "Makefile").write_text("default:\n\techo of the owner\n")
        (self.sources / "objs").mkdir()
        (self.sources / "objs" / "Makefile").write_text("of the owner, too\n")
        (self.sources / "objs" / "ngx_auto_config.h").write_text("#error of the owner\n")

    def assert_builds_and_leaves_the_sources(self):
        project = self.folder / "user"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(PROJECT.format(root=ROOT))
        (project / "user.c").write_text(USER)
        before = contents(self.sources)
        for command in (["-S", project, "-B", project / "build",
                         f"-DNGINX_SOURCE_DIR={self.sources}"],
                        ["--build", project / "build"]):
            done = subprocess.run([CMAKE, *command], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(contents(self.sources), before)

    def test_leaves_the_sources_of_a_release_as_they_were(self):
        self.assert_builds_and_leaves_the_sources()

    def test_leaves_a_checkout_of_the_repository_as_it_was(self):
        (self.sources / "configure").rename(self.sources / "auto" / "configure")
        (self.sources / "conf_flags").unlink()
        self.assert_builds_and_leaves_the_sources()

    def test_commands_in_debians_flags_are_run(self):
        with open(self.sources / "conf_flags", "a", encoding="utf-8") as flags:
            flags.write('NGX_CONF_FLAGS+=( --with-cc-opt="$(printf %s "-DSAID_BY_A_COMMAND")" )\n')
        self.assert_builds_and_leaves_the_sources()
        config = (self.folder / "user/build/nginx_objs/ngx_auto_config.h").read_text()
        self.assertIn("-DSAID_BY_A_COMMAND", config)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
