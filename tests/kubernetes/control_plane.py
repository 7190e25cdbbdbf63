"""A real kube-apiserver on a real etcd, with TLS, RBAC and tokens of ServiceAccounts.

Kubernetes 1.20 has EndpointSlices as v1beta1 alone, which differs from v1 in where an endpoint's zone stands. That is
switched off, and v1 is served by a CustomResourceDefinition of the same name: LIST, WATCH, versions, 410, authentication and
authorization are the server's own. There are no nodes and no controllers: the test writes the slices.
"""

import base64
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import time

import api_server
import harness

BIN = pathlib.Path(os.environ["LEASTWISE_KUBERNETES"])
HERE = pathlib.Path(__file__).parent
ADMIN = "token-of-the-admin"
PORT, ETCD, ETCD_PEER = 21601, 21602, 21603
NAMESPACE, SERVICE = "shop", "web"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"


class ControlPlane:
    """Use as a context manager. stop() and start() are of the API server; etcd stays."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self._etcd = self._server = None
        api_server.make_certificates(self.folder)
        subprocess.run(["openssl", "genrsa", "-out", "accounts.key", "2048"], cwd=self.folder, check=True,
                       stderr=subprocess.DEVNULL)
        (self.folder / "tokens.csv").write_text(f"{ADMIN},admin,admin,system:masters\n", encoding="ascii")
        self.trust = ssl.create_default_context(cafile=self.folder / "ca.crt")
        self.audit = self.folder / "audit.log"
        (self.folder / "audit.yaml").write_text(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"
            "rules:\n- level: Metadata\n  resources: [{group: discovery.k8s.io}]\n- level: None\n", encoding="ascii")

    def __enter__(self):
        self._etcd = self._spawn(
            "etcd", "--data-dir", "etcd", f"--listen-client-urls=http://127.0.0.1:{ETCD}",
            f"--advertise-client-urls=http://127.0.0.1:{ETCD}", f"--listen-peer-urls=http://127.0.0.1:{ETCD_PEER}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{ETCD_PEER}",
            f"--initial-cluster=default=http://127.0.0.1:{ETCD_PEER}")
        harness.wait_for(lambda: harness.listens(ETCD), "etcd", 30)
        self.start()
        self.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                    json.loads((HERE / "endpointslices.json").read_text(encoding="utf-8")))
        self.create("/api/v1/namespaces", {"kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.wait_for_slices()
        return self

    def __exit__(self, *_):
        self.stop()
        self._etcd.kill()
        self._etcd.wait()

    def _spawn(self, program, *words):
        with open(self.folder / (program + ".log"), "ab") as log:
            return subprocess.Popen([BIN / program, *words], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self, *more):
        self._server = self._spawn(
            "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{ETCD}", "--bind-address=127.0.0.1", f"--secure-port={PORT}",
            "--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none",  # needs no network but loopback
            "--tls-cert-file=api.crt", "--tls-private-key-file=api.key", "--cert-dir=certificates",
            "--token-auth-file=tokens.csv", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=accounts.key",
            "--service-account-signing-key-file=accounts.key", "--runtime-config=discovery.k8s.io/v1beta1=false",
            "--audit-policy-file=audit.yaml", "--audit-log-path=audit.log", "--audit-log-mode=blocking",
            "--allow-privileged=false", *more)
        harness.wait_for(self._is_ready, "kube-apiserver to be ready", 120)

    def stop(self):
        """As kill -9."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def _is_ready(self):
        assert self._server.poll() is None, self.log()[-3000:]
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def wait_for_slices(self):
        harness.wait_for(lambda: self.ask("GET", SLICES)[0] == 200, "EndpointSlices to be served", 60)

    def log(self):
        return (self.folder / "kube-apiserver.log").read_text(encoding="utf-8", errors="replace")

    # ---- asked

    def ask(self, method, path, body=None, token=ADMIN):
        connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=30, context=self.trust)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, (json.loads(text) if text.startswith(b"{") else text)
        finally:
            connection.close()

    def create(self, path, item):
        """Also what is there already, as after "kubectl apply"."""
        status, answer = self.ask("POST", path, item)
        assert status in (200, 201, 409), (status, answer)
        return answer

    def apply(self, documents):
        """Roles and RoleBindings, in the place of those that are there."""
        for d in documents:
            path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{d['metadata']['namespace']}/{d['kind'].lower()}s"
            status, answer = self.ask("PUT", f"{path}/{d['metadata']['name']}", d)
            assert status in (200, 201), (status, answer)

    def account(self, name):
        """A token of a ServiceAccount, as the kubelet asks for it."""
        at = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
        self.create(at, {"kind": "ServiceAccount", "metadata": {"name": name}})
        status, answer = self.ask("POST", f"{at}/{name}/token", {"spec": {"expirationSeconds": 3600}})
        assert status == 201, answer
        return answer["status"]["token"]

    def set(self, name, endpoints, port):
        """A slice as the controller writes it; returns when the server had it."""
        item = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": name, "labels": {"kubernetes.io/service-name": SERVICE}},
                "endpoints": endpoints, "ports": [{"name": "http", "port": port, "protocol": "TCP"}]}
        status, old = self.ask("GET", f"{SLICES}/{name}")
        if status == 200:
            item["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
            status, answer = self.ask("PUT", f"{SLICES}/{name}", item)
        else:
            status, answer = self.ask("POST", SLICES, item)
        assert status in (200, 201), answer
        return time.time()

    def delete_all(self):
        assert self.ask("DELETE", SLICES)[0] == 200

    def answers(self, account=None):
        """(verb, status) of what was asked about slices, by the server's own audit log."""
        found = []
        for line in self.audit.read_text(encoding="utf-8").splitlines() if self.audit.exists() else ():
            try:
                entry = json.loads(line)
            except ValueError:  # half written
                continue
            if account is None or entry["user"].get("username", "").endswith(":" + account):
                found.append((entry["verb"], entry.get("responseStatus", {}).get("code")))
        return found

    # ---- etcd

    def _etcd_ask(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", ETCD, timeout=30)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text
            return json.loads(text)
        finally:
            connection.close()

    def compact(self):
        """Forgets all versions but the newest, which is two ahead of the last: who had that misses one."""
        key = base64.b64encode(b"/test/compacted").decode()
        for _ in range(2):
            revision = self._etcd_ask("/v3/kv/put", {"key": key, "value": key})["header"]["revision"]
        self._etcd_ask("/v3/kv/compaction", {"revision": revision, "physical": True})
        return int(revision)
