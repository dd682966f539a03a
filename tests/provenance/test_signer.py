"""Certificates: the user's, and the one that an installation makes for itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from certificates import certificate
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orate import OrateError
from orate.provenance import own_certificate
from orate.provenance.manifest import check_signer, embed_manifest
from orate.provenance.manifest_reader import read_manifest
from orate.provenance.own_certificate import FILE_NAME, config_folder, own_pem
from orate.provenance.signer import find_signer
from orate.provenance.statement import Statement

STATEMENT = Statement(b"\x01" * 8, "default", "0.1.0", 3, "a" * 64, "b" * 64)
Write = Callable[..., Path]
KEYS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "es512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_certificate_of_the_users(algorithm: str, write: Write, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path, KEYS[algorithm]())
    signer = find_signer(chain, key)
    assert (signer.algorithm, signer.name, signer.self_made) == (algorithm, "Acme Studio", False)
    check_signer(signer)
    files = [write(tmp_path / name, None, frames=3) for name in ("1.mp4", "2.mp4")]
    for file in files:
        embed_manifest(file, STATEMENT, signer)
    read = read_manifest(files[0])
    assert read.intact
    assert read.problems == ()
    assert read.signer == "Acme Studio, Acme News"
    assert not read.self_made
    same = files[0].read_bytes() == files[1].read_bytes()
    assert same == (algorithm != "ps256"), "RSA's signatures are random, all others follow from what is signed"


def test_certificate_and_key_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, key = certificate(tmp_path, ed25519.Ed25519PrivateKey.generate())
    monkeypatch.setenv("ORATE_CERTIFICATE", str(chain))
    with pytest.raises(OrateError, match="without a private key"):
        find_signer()
    monkeypatch.setenv("ORATE_PRIVATE_KEY", str(key))
    assert find_signer().name == "Acme Studio"
    assert b"PRIVATE" not in repr(find_signer()).encode()


def test_certificates_that_do_not_serve(write: Write, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path, ed25519.Ed25519PrivateKey.generate())
    other = tmp_path / "other.pem"
    other.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "words.pem").write_text("These are words.")
    told = {
        (chain, None): "without a private key",
        (None, key): "without a certificate",
        (chain, other): "other.pem is not the key of the certificate in .*chain.pem",
        (tmp_path / "words.pem", key): "words.pem holds no certificate",
        (chain, tmp_path / "words.pem"): "words.pem holds no private key",
        (tmp_path / "missing.pem", key): "no file .*missing.pem",
        (chain, tmp_path): "is a folder",
    }
    for (one, two), words in told.items():
        with pytest.raises(OrateError, match=words):
            find_signer(one, two)
    (tmp_path / "more").mkdir()
    with pytest.raises(OrateError, match="locked by a password"):
        find_signer(*certificate(tmp_path / "more", ed25519.Ed25519PrivateKey.generate(), password=b"secret"))
    with pytest.raises(OrateError, match="cannot sign here"):
        find_signer(*certificate(tmp_path / "more", dsa.generate_private_key(2048)))


@pytest.mark.parametrize(
    "flaw", [{"until": 2021}, {"purpose": ExtendedKeyUsageOID.SERVER_AUTH}], ids=["expired", "for web servers"]
)
def test_nothing_is_signed_with_a_flawed_certificate(flaw, write: Write, tmp_path: Path) -> None:
    signer = find_signer(*certificate(tmp_path, ed25519.Ed25519PrivateKey.generate(), **flaw))
    file = write(tmp_path / "a.mp4", None, frames=3)
    before = file.read_bytes()
    for call in (lambda: check_signer(signer), lambda: embed_manifest(file, STATEMENT, signer)):
        with pytest.raises(OrateError, match="certificate of Acme Studio does not serve to sign: the certificate"):
            call()
    assert file.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_the_installations_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORATE_CONFIG_DIR", str(tmp_path / "new" / "place"))
    signer = find_signer()
    assert signer.self_made
    file = tmp_path / "new" / "place" / FILE_NAME
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in file.parent.iterdir()] == [FILE_NAME]
    assert find_signer().chain == signer.chain
    leaf, root = x509.load_pem_x509_certificates(signer.chain)
    leaf.verify_directly_issued_by(root)
    for name in (leaf.subject, leaf.issuer):
        assert "Self-made" in str(name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)
    assert file.read_bytes().count(b"PRIVATE KEY") == 2, "that of the root is kept nowhere"
    file.write_text("damaged")
    with pytest.raises(OrateError, match="own certificate"):
        find_signer()


def test_processes_that_come_at_once_share_one_certificate(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from orate.provenance.own_certificate import own_pem\n"
        "from cryptography import x509\n"
        "sys.stdin.readline()\n"
        "sys.stdout.buffer.write(own_pem())\n"
    )
    environment = {**os.environ, "ORATE_CONFIG_DIR": str(tmp_path / "keys")}
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        for _ in range(4)
    ]
    for one in running:
        assert one.stdin is not None
        one.stdin.write(b"go\n")
        one.stdin.flush()
    pems = {one.communicate(timeout=60)[0] for one in running}
    assert len(pems) == 1
    assert [one.name for one in (tmp_path / "keys").iterdir()] == [FILE_NAME]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(own_certificate.os, "link", refuse)
    monkeypatch.setenv("ORATE_CONFIG_DIR", str(tmp_path))
    assert own_pem() == own_pem()
    assert [one.name for one in tmp_path.iterdir()] == [FILE_NAME]


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ORATE_CONFIG_DIR", str(tmp_path / "file" / "keys"))
    assert find_signer().self_made
    assert own_pem() == own_pem()


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ORATE_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_folder().name == "orate"
    assert tmp_path in config_folder().parents
