"""A real cluster for the tests marked `slurm`: brought up once, mended after each, skipped with a reason.

Processes that run tests side by side (`-n`) have a cluster each, which costs a few seconds and 20 MB: what
one test does to its cluster is no other test's business.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_bench import ClusterBench
from live_cluster import ROOT, SCRIPT, Cluster, wait

FIRST_PORT = 19300
PORTS = 600


@pytest.fixture(scope="session")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """The environment of all tests here: it says where the cluster of this process is."""
    with pytest.MonkeyPatch.context() as patch:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        if worker:
            checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]
            place = os.environ.get("EVALSUITE_SLURM_DIR", f"/tmp/evalsuite-{checkout}")
            first = int(os.environ.get("EVALSUITE_SLURM_PORT", FIRST_PORT))
            patch.setenv("EVALSUITE_SLURM_DIR", f"{place}-{worker}")
            patch.setenv("EVALSUITE_SLURM_PORT", str(first + PORTS * int(worker.removeprefix("gw"))))
        yield patch


@pytest.fixture(scope="session")
def cluster_up(environment: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Brings the cluster up, or says why there is none; takes it down if it was not up before."""
    was_up = subprocess.run([str(SCRIPT), "status"], capture_output=True, check=False).returncode == 0
    done = subprocess.run([str(SCRIPT), "up"], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        if done.returncode == 77 and os.environ.get("EVALSUITE_REQUIRE_SLURM") != "1":
            pytest.skip(reason)
        pytest.fail(f"no SLURM cluster: {reason}")
    environment.setenv("SLURM_CONF", done.stdout.strip().partition("SLURM_CONF=")[2])
    environment.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    yield Cluster()
    if not was_up:
        subprocess.run([str(SCRIPT), "down", "--purge"], capture_output=True, check=False)


@pytest.fixture
def cluster(cluster_up: Cluster) -> Iterator[Cluster]:
    """A healthy cluster, and healthy again afterwards."""
    yield cluster_up
    cluster_up("up")
    subprocess.run(["scancel", "--user=root"], capture_output=True, check=False)
    wait(lambda: not cluster_up.ask("squeue", "-h", "-t", "PD,R,S,CG,CF", "-o", "%i"), 60)


@pytest.fixture
def bench(cluster: Cluster, tmp_path: Path) -> ClusterBench:
    """A folder whose runs go to the cluster."""
    made = ClusterBench(tmp_path)
    made.cluster = cluster
    return made
