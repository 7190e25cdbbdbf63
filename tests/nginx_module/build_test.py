"""nginx's own build, ./configure --add-dynamic-module= and --add-module=, makes a module that serves.

The first needs what Debian's nginx-dev has, the second all of nginx's sources: those in the folder that
LEASTWISE_NGINX_SOURCES names, of a release or a checkout. Both are copied first.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock

import backend
import harness
import stream_servers

PORT, SERVER, STREAM_PORT, STREAM_SERVER = 20140, 20141, 20144, 20145
ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGED = pathlib.Path("/usr/share/nginx/src")
SOURCES = os.environ.get("LEASTWISE_NGINX_SOURCES", "")
HTTP = f"""
    upstream app {{ leastwise; server 127.0.0.1:{SERVER}; }}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ proxy_pass http://app; add_header X-First $leastwise_first_byte_time; }}
        location = /leastwise {{ leastwise_status; }}
    }}"""
STREAM = f"stream {{ {stream_servers.upstream(STREAM_SERVER)} {stream_servers.listen(STREAM_PORT)} }}"


class Build(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="leastwise_build_"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.tree = self.folder / "nginx"

    def run_in_tree(self, script, *arguments):
        done = subprocess.run(["bash", "-ec", script, "bash", *map(str, arguments)], cwd=self.tree,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=900, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        return done.stdout

    def assert_serves(self, load=""):
        """With harness's nginx, module and configuration as they are set now."""
        with (backend.Backends(SERVER), stream_servers.Servers(STREAM_SERVER),
              harness.Nginx(PORT, HTTP, main=load + STREAM) as nginx):
            answer = nginx.get("/")
            self.assertEqual((answer.status, answer.body), (200, str(SERVER)))
            # By a header filter before nginx 1.29.6: it has to be in the chain.
            self.assertRegex(answer.headers["X-First"], r"^0\.\d{6}$")
            self.assertEqual(nginx.peers()[SERVER]["requests"], 1)
            self.assertEqual(stream_servers.ask(STREAM_PORT), STREAM_SERVER)
            self.assertEqual(nginx.peers("stream/game")[STREAM_SERVER]["leastwise"]["picks"], 1)

    @unittest.skipUnless(harness.IS_PACKAGED, "nginx-dev is of another nginx")
    def test_a_dynamic_module_loads_into_the_packaged_nginx_and_is_installed(self):
        shutil.copytree(PACKAGED, self.tree)
        self.run_in_tree('. ./conf_flags; ./configure "${NGX_CONF_FLAGS[@]}" --with-stream --with-stream_ssl_module --modules-path=/modules'
                         ' --add-dynamic-module="$1"; make -f objs/Makefile -j2 modules', ROOT / "nginx_module")
        # The package has no sources of nginx itself: only our part of `make install`.
        modules = ["ngx_http_leastwise_module", "ngx_stream_leastwise_module"]
        for module in modules:
            self.run_in_tree("make -f objs/Makefile install_$2 DESTDIR=$1",
                             self.folder / "installed", module)
        http, stream = (self.folder / "installed" / "modules" / f"{m}.so" for m in modules)
        for installed in (http, stream):
            built = self.tree / "objs" / installed.name
            self.assertEqual(installed.read_bytes(), built.read_bytes())
        with unittest.mock.patch.object(harness, "MODULE", http):
            self.assert_serves(f"load_module {stream_servers.NGINX_STREAM}; load_module {stream}; ")

    @unittest.skipUnless(SOURCES, "needs nginx's sources: LEASTWISE_NGINX_SOURCES=FOLDER")
    def test_a_module_that_nginx_links_serves_and_shows_nothing_but_itself(self):
        shutil.copytree(SOURCES, self.tree)
        compiler = "ccache cc" if shutil.which("ccache") else "cc"
        self.run_in_tree('configure=./configure; [ -x $configure ] || configure=auto/configure;'
                         ' $configure --with-cc="$2" --with-stream --add-module="$1"; make -j2',
                         ROOT / "nginx_module", compiler)
        objects = list((self.tree / "objs/leastwise/nginx_module").glob("*.o"))
        self.assertEqual(len(objects), 2)  # http's and stream's
        for built in objects:
            names = self.run_in_tree("nm --defined-only --extern-only --format=just-symbols $1", built)
            self.assertEqual(names.split(), [built.stem])
        linked = harness.CONFIG.replace("load_module {module};\n", "")
        with (unittest.mock.patch.object(harness, "NGINX", self.tree / "objs/nginx"),
              unittest.mock.patch.object(harness, "CONFIG", linked)):
            self.assert_serves()


if __name__ == "__main__":
    unittest.main()
