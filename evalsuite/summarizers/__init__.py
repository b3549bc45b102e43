"""From results to the table that people read, and to the files that their scripts read."""

from evalsuite.summarizers.export import write_predictions, write_results
from evalsuite.summarizers.groups import check_summarizer
from evalsuite.summarizers.names import absent_names
from evalsuite.summarizers.render import RENDERERS, render_csv, render_md, render_txt
from evalsuite.summarizers.table import Cell, FailureRow, Row, Table, build_table

__all__ = [
    "RENDERERS",
    "Cell",
    "FailureRow",
    "Row",
    "Table",
    "absent_names",
    "build_table",
    "check_summarizer",
    "render_csv",
    "render_md",
    "render_txt",
    "write_predictions",
    "write_results",
]
