"""What of an environment is seen inside: its library, and never a folder that somebody's .pth file adds."""

from __future__ import annotations

import venv
from pathlib import Path

from evalsuite.sandbox import Sandbox

ASK = "import secret_answers\ndef add(a, b):\n    return a + b\n"


def test_a_folder_added_by_a_pth_file_is_not_inside(tmp_path: Path) -> None:
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "secret_answers.py").write_text("ANSWER = 42\n")
    site = next(home.glob("lib/python*/site-packages"))
    (site / "checkout.pth").write_text(f"{checkout}\n")
    with Sandbox(workers=1, python=str(home / "bin" / "python")) as sandbox:
        outcome = sandbox.calls(ASK, "add", lambda add: add(1, 2))
        assert outcome.status == "fail" and "secret_answers" in outcome.detail
        listing = sandbox.program(f"import os; print(os.path.exists({str(checkout)!r}))")
    assert listing.stdout.strip() == "False"
