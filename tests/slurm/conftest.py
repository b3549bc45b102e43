"""A real cluster for the tests marked `slurm`: brought up once, mended after each, skipped with a reason."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from live_cluster import SCRIPT, Cluster, wait


@pytest.fixture(scope="session")
def cluster_up() -> Iterator[Cluster]:
    """Brings the cluster up, or says why there is none; takes it down if it was not up before."""
    was_up = subprocess.run([str(SCRIPT), "status"], capture_output=True, check=False).returncode == 0
    done = subprocess.run([str(SCRIPT), "up"], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        if done.returncode == 77 and os.environ.get("EVALSUITE_REQUIRE_SLURM") != "1":
            pytest.skip(reason)
        pytest.fail(f"no SLURM cluster: {reason}")
    conf = done.stdout.strip().partition("SLURM_CONF=")[2]
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = conf
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    yield Cluster()
    if before is None:
        del os.environ["SLURM_CONF"]
    else:
        os.environ["SLURM_CONF"] = before
    if not was_up:
        subprocess.run([str(SCRIPT), "down"], capture_output=True, check=False)


@pytest.fixture
def cluster(cluster_up: Cluster) -> Iterator[Cluster]:
    """A healthy cluster, and healthy again afterwards."""
    yield cluster_up
    cluster_up("up")
    subprocess.run(["scancel", "--user=root"], capture_output=True, check=False)
    wait(lambda: not cluster_up.ask("squeue", "-h", "-t", "PD,R,CG,CF", "-o", "%i"), 60)
