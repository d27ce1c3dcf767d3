"""Certificates, made on the spot."""
import ssl
import subprocess

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.cert, self.key = folder / "ca.pem", folder / "ca.key"
        openssl("req", "-x509", *CURVE, "-keyout", self.key, "-out", self.cert, "-days", 2, "-subj", "/CN=authority")

    def certify(self, name, names="DNS:localhost,IP:127.0.0.1", days=2):
        """Paths of a certificate and its key."""
        key, request, cert, more = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem", "ext"))
        more.write_text(f"subjectAltName={names}")
        openssl("req", "-new", *CURVE, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", days,
                "-extfile", more, "-out", cert)
        return cert, key

    def trusted(self, shown=None):
        context = ssl.create_default_context(cafile=self.cert)
        if shown:
            context.load_cert_chain(*shown)
        return context


def use(folder, cert, key):
    """As the files of the fixture `served`."""
    (folder / "cert.pem").write_bytes(cert.read_bytes())
    (folder / "key.pem").write_bytes(key.read_bytes())
    (folder / "key.pem").chmod(0o600)
