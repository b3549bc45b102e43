"""What is named beside a config file holds in place of what it says: summarizer, number of answers."""

from __future__ import annotations

from tests.engine.conftest import Bench

SUMMARIZER = "summarizer = dict(dataset_abbrs=['--- from elsewhere ---', 'd'])\n"


def test_a_named_summarizer_takes_the_place_of_the_files(bench: Bench) -> None:
    bench.data(2)
    bench.config(summarizer={"dataset_abbrs": ["--- from the file ---", "d"]})
    place = bench.folder / "configs" / "summarizers" / "elsewhere.py"
    place.parent.mkdir(parents=True)
    place.write_text(SUMMARIZER)
    out, err = bench.run("c.py", "--summarizer", "elsewhere")
    assert "from elsewhere" in out and "from the file" not in out
    assert f"using summarizer config {place}" in err


def test_a_slip_in_a_summarizer_is_a_warning_before_the_run(bench: Bench) -> None:
    bench.data(2, "sums")
    path = bench.config(
        datasets=["sums"], summarizer={"reference_columns": [{"name": "paper", "values": {"sum": 1.0}}]}
    )
    warning = (
        f"warning: {path}: summarizer.reference_columns[0].values: 'sum' is not in this run; "
        "did you mean 'sums'?"
    )
    for words in (("check", "c.py"), ("c.py",)):
        _, err = bench.run(*words)
        assert err.startswith(warning)


def test_a_summarizer_that_nobody_knows_is_refused(bench: Bench) -> None:
    bench.data(2)
    bench.config()
    _, err = bench.run("c.py", "--summarizer", "qwen_coder_bas", status=2)
    assert (
        "--summarizer: no config matches 'qwen_coder_bas'" in err and "did you mean 'qwen_coder_base'?" in err
    )
    assert not (bench.folder / "outputs").exists()


def test_a_number_of_answers_beside_a_file_holds_for_its_datasets(bench: Bench) -> None:
    bench.data(2)
    bench.config(dataset={"n": 3})
    out, _ = bench.run("c.py", "--dataset-num-runs", "2", "--dry-run")
    assert "2 samples x 2," in out
