"""What is asked of SLURM: the site's file, the config and the flags, in that order."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.cluster import cluster_options
from evalsuite.errors import UserError, UserErrors


def test_flags_win_over_the_config_and_the_config_over_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "configs/clusters"
    place.mkdir(parents=True)
    (place / "mine.py").write_text(
        "slurm = dict(partition='a', qos='low', time='1:00:00')\neval = dict(partition='cpu')\n"
    )
    monkeypatch.chdir(tmp_path)
    runner = {"type": "slurm", "cluster": "mine", "qos": "high", "max_num_workers": 3}
    assert cluster_options(runner, {"time": "5"}, "infer") == {"partition": "a", "qos": "high", "time": "5"}
    assert cluster_options({}, {"cluster": "mine"}, "eval")["partition"] == "cpu"
    monkeypatch.setenv("EVALSUITE_CLUSTER", "mine")
    assert cluster_options({}, {}, "infer")["qos"] == "low"


def test_opencompass_words_become_verbatim_options() -> None:
    runner = {"type": "OpenCompass", "quotatype": "auto", "extra_command": ["-c 4", "--mem='8 G'"]}
    assert cluster_options(runner, {}, "infer")["extra"] == ["-c", "4", "--mem=8 G", "--quotatype=auto"]


def test_wrong_options_are_the_users_error_all_at_once() -> None:
    with pytest.raises(UserErrors) as caught:
        cluster_options({"partiton": "x", "time": "soon"}, {}, "infer")
    assert "did you mean partition?" in str(caught.value) and "time" in str(caught.value)


def test_unknown_cluster_is_the_users_error() -> None:
    with pytest.raises(UserError):
        cluster_options({}, {"cluster": "no-such-site"}, "infer")
