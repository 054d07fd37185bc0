"""The certificates and keys of a throw-away cluster, made with openssl."""

import os
import subprocess


def _openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _new_key(path):
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    return path


class Pki:
    """A certificate authority in a folder. Each call leaves NAME.crt and NAME.key there."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self.path("ca.crt")
        _openssl("req", "-x509", "-new", "-days", "30", "-subj", "/CN=e2e-ca", "-key", _new_key(self.path("ca.key")),
                 "-out", self.ca)
        self.account_key = _new_key(self.path("service-account.key"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, subject, addresses=()):
        """A certificate for a client (subject = user and groups), or for a server at `addresses`."""
        key, crt, req, ext = (self.path(f"{name}.{kind}") for kind in ("key", "crt", "csr", "ext"))
        _openssl("req", "-new", "-subj", subject, "-key", _new_key(key), "-out", req)
        with open(ext, "w", encoding="ascii") as out:
            out.write("basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth,serverAuth\n")
            if addresses:
                out.write("subjectAltName=" + ",".join(f"IP:{a}" for a in addresses) + "\n")
        _openssl("x509", "-req", "-days", "30", "-in", req, "-CA", self.ca, "-CAkey", self.path("ca.key"),
                 "-CAcreateserial", "-extfile", ext, "-out", crt)
        return crt, key
