"""Certificates for tests, made with the command `openssl`."""

import dataclasses
import pathlib
import ssl
import subprocess

KEYS = {
    "ec": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "rsa": ("rsa:2048",),
}
CA = "basicConstraints=critical,CA:true", "keyUsage=critical,keyCertSign,cRLSign"
LEAF = ("basicConstraints=critical,CA:false",)


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclasses.dataclass(frozen=True)
class Pair:
    """A certificate with its key, both in files."""

    certificate: pathlib.Path
    key: pathlib.Path

    @property
    def config(self):
        """As an item of server.tls.certificates."""
        return {"certificate": str(self.certificate), "key": str(self.key)}

    @property
    def der(self):
        """The certificate itself, the first of the file."""
        first, mark, _ = self.certificate.read_text().partition("-----END CERTIFICATE-----\n")
        return ssl.PEM_cert_to_DER_cert(first + mark)

    def replace(self, other):
        """Puts another certificate in this one's files, as one who renews does."""
        self.key.write_bytes(other.key.read_bytes())
        self.certificate.write_bytes(other.certificate.read_bytes())


class Authority:
    """Issues certificates into `folder`. Of its own too: itself, unless another authority issued it."""

    def __init__(self, folder, name="authority", issuer=None):
        self.folder, self.name, self.issuer = pathlib.Path(folder), name, issuer
        self.pair = self.make(name, issuer, CA, "ec", 30)

    @property
    def certificate(self):
        return self.pair.certificate

    def server(self, name, *names, key="ec", days=30):
        """For a server with these names, "DNS:a.test" or "IP:127.0.0.1"."""
        return self.leaf(name, "serverAuth", names, key, days)

    def client(self, name, *names, key="ec", days=30):
        return self.leaf(name, "clientAuth", names, key, days)

    def leaf(self, name, usage, names, key, days):
        extensions = (*LEAF, "extendedKeyUsage=" + usage, *(["subjectAltName=" + ",".join(names)] if names else []))
        pair = self.make(name, self, extensions, key, days)
        if self.issuer:  # the chain up to the root, which the other side has
            with open(pair.certificate, "a") as file:
                file.write(self.certificate.read_text())
        return pair

    def make(self, name, issuer, extensions, key, days):
        """Valid for `days`; a negative number makes it expired."""
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request = self.folder / f"{name}.csr"
        added = [part for extension in extensions for part in ("-addext", extension)]
        openssl("req", "-new", "-newkey", *KEYS[key], "-nodes", "-keyout", pair.key, "-out", request,
                "-subj", "/CN=" + name, *added)
        signed_by = ("-CA", issuer.pair.certificate, "-CAkey", issuer.pair.key) if issuer else ("-signkey", pair.key)
        openssl("x509", "-req", "-in", request, *signed_by, "-days", days, "-copy_extensions", "copyall",
                "-out", pair.certificate)
        return pair
