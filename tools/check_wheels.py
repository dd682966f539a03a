"""Check that the shared objects of our wheels need nothing of the system but the C and C++ runtimes and zlib.

Users have bare containers: no GL, no ffmpeg, no codecs. ``ldd`` says what each shared object would load; whatever is
neither in the wheels themselves nor in RUNTIME is a violation. Linux only. Run in the environment to check:

    python tools/check_wheels.py [DISTRIBUTION ...]
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import distribution
from pathlib import Path

from rich.console import Console
from rich.table import Table

DEFAULT_DISTRIBUTIONS = ("av", "soundfile", "soxr", "opencv-python-headless", "openvino", "pillow", "numpy")
# glibc, libgcc, libstdc++ and zlib: what manylinux lets a wheel take from the system (PEP 600); Python has them.
RUNTIME = re.compile(
    r"(linux-vdso|ld-linux[\w-]*|lib(c|m|mvec|dl|pthread|rt|util|resolv|anl|gcc_s|stdc\+\+|z))\.so(\.\d+)*"
)
# Plugins that their host loads only when asked for that device; orate asks OpenVINO for the CPU alone.
OPTIONAL = frozenset({"libopenvino_intel_gpu_plugin.so", "libopenvino_intel_npu_plugin.so"})
LINE = re.compile(r"\s*(?P<name>\S+)(?: => (?P<path>.+?))?(?: \(0x[0-9a-f]+\))?$")


def shared_objects(name: str) -> list[Path]:
    """Every shared object that the wheel brought, its plugins included."""
    files = distribution(name).files or []
    paths = [Path(str(file.locate())) for file in files if re.search(r"\.so(\.|$)", file.name)]
    return sorted(path for path in paths if path.exists() and path.read_bytes()[:4] == b"\x7fELF")


def needs(path: Path) -> dict[str, str]:
    """Library -> where ``ldd`` finds it, or "not found"."""
    done = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    matches = [LINE.match(line) for line in done.stdout.splitlines() if "statically linked" not in line]
    return {Path(match["name"]).name: match["path"] or match["name"] for match in matches if match}


def violations(paths: list[Path], site: Path) -> dict[str, list[str]]:
    """Library from outside, with where it was found -> the shared objects that want it."""
    own = {path.name for path in paths}  # a plugin's host has loaded these before it
    wanted: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if path.name in OPTIONAL:
            continue
        for library, where in needs(path).items():
            inside = Path(where).is_relative_to(site) or (where == "not found" and library in own)
            if not inside and not RUNTIME.fullmatch(library):
                wanted[f"{library} ({where})"].append(path.name)
    return wanted


def main(names: list[str]) -> int:
    """Prints a row for each distribution; 1 if any needs more than it brought."""
    table = Table("distribution", "version", "shared objects", "needs from outside")
    bad = 0
    for name in names:
        paths = shared_objects(name)
        site = Path(str(distribution(name).locate_file("")))
        wanted = violations(paths, site)
        bad += len(wanted)
        rows = [f"{library}: {', '.join(users[:3])}" for library, users in sorted(wanted.items())]
        table.add_row(name, distribution(name).version, str(len(paths)), "\n".join(rows) or "nothing")
    Console().print(table)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(DEFAULT_DISTRIBUTIONS)))
