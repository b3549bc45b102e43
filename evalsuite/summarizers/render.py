"""The table as text for a terminal, as CSV for scripts and as Markdown for reports."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

from evalsuite.stats import edge_bound
from evalsuite.summarizers.table import Row, Table

FIXED = ("dataset", "version", "metric", "mode")
FAILURE_COLUMNS = ("model", "dataset", "failed", "cause")


def render_txt(table: Table) -> str:
    """For people at a terminal: the table, what failed and why, and what to keep in mind."""
    return _document(table, "simple", title=lambda text: f"{text}\n", item=lambda text: f"  {text}")


def render_md(table: Table) -> str:
    """For reports and pull requests."""
    return _document(table, "github", title=lambda text: f"### {text}\n", item=lambda text: f"- {text}")


def render_csv(table: Table) -> str:
    """For scripts: a plain number per model; error, bound, n, interval and failures in columns of their own.

    A cell with failures, or without a number, says so in place of the number.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    details = ("stderr", "n", "low", "high", "bound", "failed")
    writer.writerow(
        [*FIXED, *table.models, *table.references, *(f"{m}:{part}" for m in table.models for part in details)]
    )
    for row in table.rows:
        cells = [cell.text(doubt=False) for cell in row.cells]
        extra: list[str] = []
        for cell in row.cells:
            metric = cell.metric
            if metric:
                numbers = (metric.stderr, metric.n, metric.low, metric.high, edge_bound(metric))
                extra += [_number(number) for number in numbers]
            else:
                extra += [""] * (len(details) - 1)
            extra.append(str(cell.failed))
        writer.writerow([row.dataset, row.version, row.metric, row.mode, *cells, *row.references, *extra])
    return out.getvalue()


RENDERERS: Mapping[str, Callable[[Table], str]] = {"txt": render_txt, "csv": render_csv, "md": render_md}


def _number(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"


def _document(table: Table, style: str, *, title: Callable[[str], str], item: Callable[[str], str]) -> str:
    head = [*FIXED, *table.models, *table.references]
    parts = [_grid(head, [_line(row, len(head)) for row in table.rows], style)]
    if table.failures:
        lines = [
            [row.model, row.dataset, f"{row.count}/{row.total}" if row.total else "all", row.cause]
            for row in table.failures
        ]
        parts += [title("Failures") + _grid(FAILURE_COLUMNS, lines, style)]
    if table.warnings:
        heading = title("Warnings (*)") + ("\n" if style == "github" else "")
        parts.append(heading + "\n".join(map(item, table.warnings)))
    if table.notes:
        heading = title("Notes") + ("\n" if style == "github" else "")
        parts.append(heading + "\n".join(map(item, table.notes)))
    return "\n\n".join(parts) + "\n"


def _line(row: Row, width: int) -> list[str]:
    cells = [row.dataset, row.version, row.metric, row.mode, *(cell.text() for cell in row.cells)]
    cells += row.references
    return cells + [""] * (width - len(cells))


def _grid(head: Sequence[str], lines: Sequence[Sequence[str]], style: str) -> str:
    from tabulate import tabulate

    if style == "github":
        lines = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
        head = [cell.replace("|", "\\|") for cell in head]
    return tabulate(lines, headers=list(head), tablefmt=style, disable_numparse=True)
