"""Certificates for servers and clients of a test, made with openssl and thrown away with the folder."""

import pathlib
import ssl
import subprocess


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A certificate authority in a folder: `ca` is its certificate; issue() makes others."""

    def __init__(self, folder, name="ca"):
        self.folder = pathlib.Path(folder)
        self.ca, self.key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.ca)

    def issue(self, name, *alternatives):
        """(certificate, key) for names such as "IP:127.0.0.1" and "DNS:kubernetes"; for a client without any."""
        crt, key, csr, ext = (self.folder / f"{name}.{kind}" for kind in ("crt", "key", "csr", "ext"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", csr)
        names = f"subjectAltName={','.join(alternatives)}\n" if alternatives else ""
        ext.write_text("basicConstraints=CA:FALSE\n" + names)
        openssl("x509", "-req", "-days", "30", "-in", csr, "-CA", self.ca, "-CAkey", self.key, "-CAcreateserial",
                "-extfile", ext, "-out", crt)
        return crt, key

    def server_context(self, *alternatives, name="server", ask_client=False):
        """What a server of these names shows; with `ask_client` it takes only clients that this authority knows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(name, *alternatives))
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context
