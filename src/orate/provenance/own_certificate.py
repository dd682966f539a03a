"""The certificate that an installation makes for itself, for those who have none.

It makes a change of a signed file evident. It does not say who signed: anybody can make one like it.

One file, ``signing.pem`` in orate's configuration folder, that only its owner may read. It never runs out, because
without a timestamp authority nobody could say that a signature was made in time. Of the root that signed it the key is
thrown away at once, so nothing else can be signed with it.
"""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from logging import getLogger
from pathlib import Path

from orate.errors import OrateError
from orate.media.files import input_error

FOLDER_VARIABLE = "ORATE_CONFIG_DIR"
FILE_NAME = "signing.pem"
COMMON_NAME = "orate installation"
# Read by people who look at a signature: C2PA's tools show the organization.
ORGANIZATION = "Self-made by orate, does not say who signed"
VALID_FROM = datetime(2025, 1, 1, tzinfo=UTC)  # not the time of making, which is nobody's business
VALID_UNTIL = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280, 4.1.2.5: no well-defined end

logger = getLogger(__name__)


def config_folder() -> Path:
    """Where orate keeps what belongs to one user of one computer."""
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("APPDATA") or str(Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "orate"


def own_pem() -> bytes:
    """Key and certificates of this installation in PEM; made when first asked for.

    Where the folder cannot be written they last as long as the process.

    Raises:
        OrateError: the file is there and cannot be read.
    """
    try:
        path = config_folder() / FILE_NAME
    except RuntimeError:  # no home folder
        return _for_this_process()
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        return _for_this_process()
    except OSError as error:
        raise input_error(path, error) from error
    try:
        return _kept(path, make_pem())
    except OSError as error:
        logger.info("%s cannot be written (%s): the certificate is made for this process only.", path, error)
        return _for_this_process()


def is_self_made(organization: str | None) -> bool:
    """Whether a certificate is of this kind, by the organization that it names."""
    return organization == ORGANIZATION


def _kept(path: Path, pem: bytes) -> bytes:
    """Write the file if it is not there; what is in it in the end, also when two processes write at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # unlike a move it fails where another process was first
        except FileExistsError:
            return path.read_bytes()
        except OSError:  # a file system without hard links
            if path.exists():
                return path.read_bytes()
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return pem


@cache
def _for_this_process() -> bytes:
    return make_pem()


def make_pem() -> bytes:
    """A new Ed25519 key, its certificate, and that of the root which signed it; PEM.

    Raises:
        OrateError: the library that makes them is not there.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ImportError as error:
        raise OrateError("Signing needs the package cryptography: install it, or leave the credentials out.") from error

    def name(common: str) -> x509.Name:
        organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION)
        return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common)])

    def usage(*allowed: str) -> x509.KeyUsage:
        kinds = [
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ]
        return x509.KeyUsage(**{kind: kind in allowed for kind in kinds})

    root_key, key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    root_name = name(f"{COMMON_NAME}, root")
    blank = x509.CertificateBuilder().issuer_name(root_name).not_valid_before(VALID_FROM).not_valid_after(VALID_UNTIL)
    root = (
        blank.subject_name(root_name)
        .public_key(root_key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage("key_cert_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
        .sign(root_key, None)
    )
    # C2PA specification 2.2, section 14.5.1: what the certificate of a signer must have.
    certificate = (
        blank.subject_name(name(COMMON_NAME))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, None)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)
