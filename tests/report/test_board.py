"""What a user sees while a run goes on."""

from __future__ import annotations

import io
import re

from evalsuite.progress import Line, Snapshot
from evalsuite.report.board import Board


class Terminal(io.StringIO):
    """A stream that keeps what a person would see: lines, and a cursor that can go up and erase."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines: list[str] = [""]
        at = 0
        for part in re.split(r"(\x1b\[\d*[A-Z]|\n)", self.getvalue()):
            if part == "\n":
                at += 1
                lines += [""] if at == len(lines) else []
            elif part.endswith("F") and part.startswith("\x1b"):
                at -= int(part[2:-1])
            elif part.endswith("K") and part.startswith("\x1b"):
                lines[at] = ""
            elif part.endswith("J") and part.startswith("\x1b"):
                del lines[at:]
                lines.append("")
            else:
                lines[at] += part
        return lines


def test_a_note_stays_above_the_board_which_goes_on_below_it() -> None:
    terminal = Terminal()
    board = Board(terminal)
    for answered in (1, 2, 3):
        board.show(Snapshot([Line("m", "d", 9, answered)], {}, float(answered)))
        board.note(f"note {answered}")
    board.show(Snapshot([Line("m", "d", 9, 4)], {}, 4.0))
    seen = [line for line in terminal.screen() if line]
    assert seen[:3] == ["note 1", "note 2", "note 3"]
    assert len(seen) == 5 and "4/9" in seen[3] and "4/9" in seen[4]
