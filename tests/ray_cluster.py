"""A Ray cluster of two nodes on this machine, begun and ended by a test: a core each, little memory, no dashboard."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

STORE_BYTES = 80 * 2**20
# A lost node is missed after five seconds instead of half a minute.
HEALTH = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_failure_threshold": 5}
NODE = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}


@dataclass
class TwoNodes:
    """The cluster and its second node; the first one is the head, where the driver is."""

    cluster: Any
    second: Any

    @property
    def address(self) -> str:
        return self.cluster.address

    def lose_second(self) -> None:
        """Kill all processes of the second node, as when a machine loses power."""
        self.cluster.remove_node(self.second, allow_graceful=False)

    def get_second(self) -> None:
        """A new node in its place."""
        self.second = self.cluster.add_node(**NODE)


@contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """The running cluster; the process is not connected to it. Skips the test when Ray is not installed."""
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'orate[ray]')")
    pytest.importorskip("pyarrow", reason="pyarrow, which Ray's data and training need, is not installed")
    # Sockets lie in it, whose paths may have no more than about a hundred characters.
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    # What tests hand to the cluster's processes by name must be found there.
    tests = Path(__file__).parent
    paths = [str(path) for path in (tests.parent / "src", tests, tests / "corpora", tests / "training")]
    settings = {
        "RAY_TMPDIR": folder,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",  # nor a token left in the home folder
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [*paths, os.environ.get("PYTHONPATH")])),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.delenv("RAY_ADDRESS", raising=False)
        import ray
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": HEALTH})
        try:
            yield TwoNodes(cluster, cluster.add_node(**NODE))
        finally:
            ray.shutdown()
            cluster.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


def descendants(of: int) -> dict[int, str]:
    """Command lines of the living processes that come from one, by number."""
    parents: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
                command = (folder / "cmdline").read_text().replace("\0", " ").strip()
            except OSError:
                continue
            parents[int(folder.name)] = (int(stat.rpartition(")")[2].split()[1]), command)
    found = {of}
    while True:
        more = {number for number, (parent, _) in parents.items() if parent in found} - found
        if not more:
            return {number: parents[number][1] for number in found - {of} if number in parents}
        found |= more
