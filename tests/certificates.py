"""Certificates for servers of tests, made by openssl: one of an authority that may be trusted, one of nobody."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOST = "IP:127.0.0.1,DNS:localhost"


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate: whoever trusts `file` trusts the server."""

    file: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        """What a server offers it with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def certificate(folder: Path, *, names: str = HOST) -> Certificate:
    """A certificate for the names, valid for a day."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    subject = ["-subj", "/CN=test", "-addext", f"subjectAltName={names}", "-days", "1"]
    files = ["-keyout", str(made.key), "-out", str(made.file)]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *key, *subject, *files], check=True, capture_output=True)
    return made
