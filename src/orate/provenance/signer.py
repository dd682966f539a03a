"""Who signs: a key with its certificate, the user's own or one made for this installation.

Signatures of Ed25519 keys and, with deterministic nonces (RFC 6979), of elliptic-curve keys follow from what is signed;
those of RSA keys are random (PSS).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orate.errors import OrateError
from orate.media.files import check_input, input_error

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

CERTIFICATE_VARIABLE, KEY_VARIABLE = "ORATE_CERTIFICATE", "ORATE_PRIVATE_KEY"
# C2PA specification 2.2, section 13.2: the algorithms for signatures.
CURVES = {
    "secp256r1": ("es256", "sha256", 32),
    "secp384r1": ("es384", "sha384", 48),
    "secp521r1": ("es512", "sha512", 66),
}
RSA_BITS_MIN = 2048


@dataclass(frozen=True)
class Signer:
    """A key and the certificates that vouch for it.

    Attributes:
        algorithm: as C2PA calls it: ed25519, es256, es384, es512, ps256.
        chain: certificates in PEM, the signer's own first.
        key: the private key, PKCS #8 in PEM.
        name: whom the certificate names.
        self_made: the certificate was made by orate itself: it vouches for nobody.
        sign: the signature of bytes as COSE wants it, the same each time; None where signatures are random.
    """

    algorithm: str
    chain: bytes
    key: bytes
    name: str
    self_made: bool
    sign: Callable[[bytes], bytes] | None

    def __repr__(self) -> str:
        return f"Signer({self.algorithm}, {self.name!r})"  # never the key


def find_signer(certificate: str | Path | None = None, private_key: str | Path | None = None) -> Signer:
    """The user's signer where one is named, in the arguments or in the environment, else the installation's.

    Args:
        certificate: file in PEM, the signer's certificate first, then those that lead to its root.
        private_key: file in PEM, without a password.

    Raises:
        OrateError: only one of both is given, a file that is none, a key that does not belong to the certificate.
    """
    certificate = certificate or os.environ.get(CERTIFICATE_VARIABLE) or None
    private_key = private_key or os.environ.get(KEY_VARIABLE) or None
    if certificate is None and private_key is None:
        from orate.provenance.own_certificate import own_pem

        return signer_of(own_pem(), "The installation's own certificate", self_made=True)
    if certificate is None or private_key is None:
        missing, given = ("certificate", "private key") if certificate is None else ("private key", "certificate")
        raise OrateError(f"A {given} was given without a {missing}: both are needed to sign.")
    return signer_of(_read(certificate), str(certificate), key_pem=_read(private_key), key_name=str(private_key))


def signer_of(
    chain_pem: bytes, name: str, *, key_pem: bytes | None = None, key_name: str | None = None, self_made: bool = False
) -> Signer:
    """A signer of PEM texts.

    Args:
        chain_pem: certificates; the key as well where `key_pem` is None.
        name: of what they were read from, for errors.
        key_pem: the private key.
        key_name: of what it was read from.
        self_made: see `Signer`.

    Raises:
        OrateError: no certificate, no key, one of a kind that cannot sign here, or not of this certificate.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import NameOID

    chain = _chain(chain_pem, name)
    key = _key(chain_pem if key_pem is None else key_pem, key_name or name)
    if key.public_key() != chain[0].public_key():
        raise OrateError(f"{key_name or name} is not the key of the certificate in {name}.")
    algorithm, sign = _algorithm(key, key_name or name)
    names = chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Signer(
        algorithm=algorithm,
        chain=b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain),
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        name=str(names[0].value) if names else "",
        self_made=self_made,
        sign=sign,
    )


def read_roots(path: str | Path) -> str:
    """Certificates of those who are trusted to vouch for signers, PEM.

    Raises:
        OrateError: no such file, no certificate in it.
    """
    pem = _read(path)
    _chain(pem, str(path))
    return pem.decode("ascii", "ignore")


def _read(path: str | Path) -> bytes:
    try:
        return check_input(path).read_bytes()
    except OSError as error:
        raise input_error(path, error) from error


def _chain(pem: bytes, name: str) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(pem)
    except ValueError as error:
        raise OrateError(f"{name} holds no certificate that can be read: give it in PEM.") from error


def _key(pem: bytes, name: str) -> PrivateKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(pem, password=None)
    except TypeError as error:  # what cryptography raises for a password that is missing
        raise OrateError(f"The private key in {name} is locked by a password: give one without.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise OrateError(f"{name} holds no private key that can be read: give it in PEM.") from error


def _algorithm(key: PrivateKeyTypes, name: str) -> tuple[str, Callable[[bytes], bytes] | None]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519", key.sign
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        curve_key = key
        algorithm, digest, size = CURVES[key.curve.name]
        hash_algorithm = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[digest]

        def sign(data: bytes) -> bytes:
            made = curve_key.sign(data, ec.ECDSA(hash_algorithm, deterministic_signing=True))
            return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(made))

        return algorithm, sign
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= RSA_BITS_MIN:
        return "ps256", None
    raise OrateError(
        f"The private key in {name} cannot sign here: it must be Ed25519, on a NIST curve (P-256, P-384, P-521), "
        f"or RSA of at least {RSA_BITS_MIN} bits."
    )
