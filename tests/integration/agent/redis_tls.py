"""Certificates for a Redis that speaks TLS, and for those who ask it, made by OpenSSL."""
import pathlib
import subprocess

import redis_server

PORT = 21093
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Certificates:
    """In `folder`: two CAs, and certificates of the first. `file("ca.crt")` is a path."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for ca in ("ca", "other_ca"):
            self.openssl("req", "-x509", *KEY, "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.crt")
        self.make("server", "DNS:localhost,IP:127.0.0.1")
        self.make("elsewhere", "DNS:redis.example")
        self.make("client", "DNS:balancer.example")
        self.make("expired", "IP:127.0.0.1", days=-1)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, stderr=subprocess.DEVNULL, timeout=60)

    def make(self, name, names, days=2):
        (self.folder / "names").write_text(f"subjectAltName={names}\n", encoding="ascii")
        self.openssl("req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", str(days), "-extfile", "names", "-out", f"{name}.crt")

    def file(self, name):
        return str(self.folder / name)

    def of_redis(self, name="server", wants_ours=False):
        """Options of Redis: whom it shows itself as, and whether it wants a certificate, too."""
        return ["--tls-port", str(PORT), "--tls-cert-file", self.file(f"{name}.crt"),
                "--tls-key-file", self.file(f"{name}.key"), "--tls-ca-cert-file", self.file("ca.crt"),
                "--tls-auth-clients", "yes" if wants_ours else "no"]

    def share(self, host="127.0.0.1", port=PORT, ca="ca.crt", ours=None):
        """The value of `share`, and the directives that follow; without the last ";"."""
        text = f"rediss://{host}:{port}/{redis_server.KEYS.split(':')[0]}"
        if ca:
            text += f";\nshare_tls_ca_cert_file {self.file(ca)}"
        if ours:
            text += f";\nshare_tls_cert_file {self.file(ours + '.crt')};\nshare_tls_key_file {self.file(ours + '.key')}"
        return text
