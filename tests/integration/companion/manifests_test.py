"""examples/kubernetes: what is in it fits together, and is taken by nginx, HAProxy, the agent and the companion."""

import pathlib
import subprocess
import tempfile
import unittest

import companion
import harness

try:
    import yaml
except ImportError:
    yaml = None

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples/kubernetes"


@unittest.skipIf(yaml is None, "needs python3-yaml")
class Manifests(unittest.TestCase):
    @staticmethod
    def documents(path):
        return [d for d in yaml.safe_load_all((EXAMPLE / path).read_text(encoding="utf-8")) if d]

    def test_all_files_are_those_of_the_base(self):
        base, = self.documents("kustomization.yaml")
        named = set(base["resources"]) | {f for g in base["configMapGenerator"] for f in g["files"]}
        there = {p.relative_to(EXAMPLE).as_posix() for p in EXAMPLE.rglob("*") if p.is_file()}
        self.assertEqual(there - named, {"kustomization.yaml", "monitoring/servicemonitor.yaml"})
        self.assertEqual(named - there, set())
        images = {i["name"] for i in base["images"]}
        maps = {g["name"] for g in base["configMapGenerator"]}
        for name in ("nginx/deployment.yaml", "haproxy/deployment.yaml"):
            deployment, service = self.documents(name)
            pod = deployment["spec"]["template"]["spec"]
            self.assertLessEqual({c["image"] for c in pod["containers"]}, images)
            self.assertLessEqual({v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v}, maps)
            ports = {p["name"] for c in pod["containers"] for p in c.get("ports", ())}
            self.assertLessEqual({p["targetPort"] for p in service["spec"]["ports"]}, ports)
            self.assertEqual(pod["serviceAccountName"], "leastwise-companion")

    def test_the_role_is_the_one_that_is_printed(self):
        for name in ("nginx", "haproxy"):
            printed = subprocess.run([companion.PROGRAM, "-c", EXAMPLE / name / "companion.conf", "--rbac"], check=True,
                                     stdout=subprocess.PIPE, text=True, timeout=20).stdout
            self.assertEqual(list(yaml.safe_load_all(printed)), self.documents("rbac/rbac.yaml")[1:])

    def test_the_configurations_are_taken(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = pathlib.Path(folder) / "nginx.conf"
        text = (EXAMPLE / "nginx/nginx.conf").read_text(encoding="utf-8")
        text = text.replace("include /etc/nginx/modules-enabled/*.conf;", f"load_module {harness.MODULE};")
        path.write_text(text.replace("/run/leastwise", folder).replace("/var/log/nginx", folder), encoding="utf-8")
        env = harness.Nginx(0).environment()
        for words in ([harness.NGINX, "-t", "-p", folder, "-c", str(path), "-e", f"{folder}/error.log"],
                      ["haproxy", "-c", "-f", str(EXAMPLE / "haproxy/haproxy.cfg")],
                      [companion.PROGRAM, "--check-config", "-c", str(EXAMPLE / "nginx/companion.conf")],
                      [companion.PROGRAM, "--check-config", "-c", str(EXAMPLE / "haproxy/companion.conf")],
                      [companion.PROGRAM.replace("companion", "spoa"), "--check-config", "-c",
                       str(EXAMPLE / "haproxy/leastwise.conf")]):
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                                  timeout=30, env=env)
            self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}")


if __name__ == "__main__":
    unittest.main()
