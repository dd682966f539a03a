"""A batch on a Ray cluster of two nodes: rows, errors, crashes."""

from pathlib import Path

import pytest
import stand_in
from ray_cluster import two_nodes

from orate import OrateError
from orate.animator.batch.rows import STATE_FOLDER, rows_of
from orate.animator.batch.run import run_batch


def test_rows_errors_and_crashes_on_two_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where the cluster's processes find the stand-in
    (tmp_path / "a.jpg").write_text("a")
    names = ("one", "wrong", "crash", "once", "two", "three")
    for name in names:
        (tmp_path / f"{name}.wav").write_text(name)
    out = tmp_path / "out"
    with two_nodes() as cluster:
        from orate.animator.batch.ray_pool import RayPool
        from orate.corpora.ray_cluster import connected

        rows = rows_of([{"photo": "a.jpg", "audio": f"{name}.wav"} for name in names], out, tmp_path)
        with connected(cluster.address) as ray:
            outcomes = run_batch(rows, out, RayPool(ray), load=stand_in.load)
            again = run_batch(rows[:1], out, RayPool(ray), load=stand_in.load)
            monkeypatch.setattr("orate.animator.batch.ray_pool.__version__", "9.9")
            with pytest.raises(OrateError, match=r"the command is 9\.9: install the same release"):
                run_batch(rows, out, RayPool(ray), load=stand_in.load)
    said = [str(outcomes[number].state) for number in sorted(outcomes)]
    assert said == ["done", "failed", "failed", "done", "done", "done"]
    assert outcomes[2].error.endswith("cannot be made.")
    assert "was lost with its process or machine 2 times" in outcomes[3].error
    assert again[1] == outcomes[1]
    assert list((out / STATE_FOLDER / "work").iterdir()) == []
