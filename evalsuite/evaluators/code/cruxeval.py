"""CRUXEval: an answer is right when `assert OUTPUT == ANSWER` holds behind the function.

Literal answers are compared out here (output prediction), or become the arguments of one call (input
prediction). Whatever else an answer may be is evaluated inside, as in the published evaluation; such a
verdict says `inproc`, since an answer of that kind (`1 or True`) can be right and predict nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from evalsuite import syntax
from evalsuite.bounds import Positive, Seconds
from evalsuite.errors import UserError
from evalsuite.evaluators.code.base import STATUS_OF, CodeEvaluator, extra_of, not_run
from evalsuite.sandbox import Isolation, Limits, Outcome, Returned
from evalsuite.types import Answer, Sample, Score, Status

Mode = Literal["input", "output"]
Semantics = Literal["3.8", "current"]
_NO_VALUE = object()
_LONGEST = 100_000  # letters; a literal of millions can be made to take hours where it becomes a set
_OLD_METHODS = ("removeprefix", "removesuffix")


def extracted(text: str, mode: Mode) -> str:
    """The answer in a model's text: what CRUXEval's own post-processing leaves of it."""
    if "[ANSWER]" in text:
        text = text.split("[ANSWER]")[1].strip()
        text = text.split("[/ANSWER]")[0].strip()
    if mode == "input":
        if "==" in text:
            text = text.split("==")[0].strip()
        if "assert f" in text:
            text = "f" + text.split("assert f")[1].strip()
        return text.strip()
    if "==" in text:
        text = text.split("==")[1].strip()
    return text.strip()


class CruxEvalEvaluator(CodeEvaluator):
    """`mode` says what was predicted. `python_semantics="3.8"` is the published reading, made with a Python
    whose strings had neither `removeprefix` nor `removesuffix`; the other reading is the metric
    `other_python`.
    """

    forms: ClassVar[tuple[str, ...]] = ("answer",)
    parts: ClassVar[dict[str, str]] = {"other_python": "other_python_"}
    flavour = "lean"

    def __init__(
        self,
        mode: Mode,
        python_semantics: Semantics = "3.8",
        seconds: Seconds = 3,
        workers: Positive | None = None,
        k: Positive | Sequence[Positive] = (1,),
        min_isolation: Isolation = "strong",
        raw: bool = False,
    ) -> None:
        super().__init__(workers, k, min_isolation, raw)
        if mode not in ("input", "output"):
            raise UserError(f"CRUXEval has no mode {mode!r}", expected="input or output")
        if python_semantics not in ("3.8", "current"):
            raise UserError(f"no Python semantics {python_semantics!r}", expected="3.8 or current")
        self.mode = mode
        self.semantics = python_semantics
        self.limits = Limits(cpu_s=seconds, wall_s=6 * seconds + 5, mem_mb=4096)

    def judge(self, sample: Sample, answer: Answer, repeat: int) -> Score:
        """Judge by both readings; they differ only where the methods occur that came later."""
        fields = sample.fields
        text = answer.text if self.ready(answer) else extracted(answer.text, self.mode)
        if not text.strip():
            return not_run(sample, repeat, "unextracted", "no answer in the text", ("other_python",))
        if len(text) > _LONGEST:
            return not_run(sample, repeat, "wrong", "the answer is far too long", ("other_python",))
        if self.mode == "input" and "f(" not in text:
            return not_run(sample, repeat, "unextracted", "the answer is no call of f", ("other_python",))
        if self.mode == "output" and f"f({fields['input']})" in text:
            return not_run(sample, repeat, "wrong", "the answer repeats the call", ("other_python",))
        old = self.semantics == "3.8"
        status, outcome, detail = self._holds(fields["code"], fields["output"], text, old)
        other = status
        if any(name in fields["code"] or name in text for name in _OLD_METHODS):
            other = self._holds(fields["code"], fields["output"], text, not old)[0]
        extra = {"isolation": self.sandbox.isolation, "integrity": "split", "cpu_s": 0.0}
        if outcome is not None:
            extra = extra_of(outcome)
        if not self._predicts(fields["output"], text):
            extra["integrity"] = "inproc"
        correct = None if status == "error" else status == "right"
        metrics = {} if correct is None else {"other_python": float(other == "right")}
        return Score(sample.id, repeat, status, correct, metrics, detail, extra)

    def _holds(self, code: str, wanted: str, text: str, old: bool) -> tuple[Status, Outcome | None, str]:
        """Whether `assert wanted == text` holds behind the code."""
        tree = _parsed(f"assert {wanted} == {text}")
        if tree is None:
            return "syntax", None, "the answer is no Python expression"
        if old:
            code = without_new_methods(code)
        compared = _compared(tree)
        target = _literal(compared[0]) if compared else _NO_VALUE
        if compared is None or target is _NO_VALUE:
            return self._statement(code, f"assert {wanted} == {text}", old)
        node = compared[1]
        value = _literal(node)
        if value is not _NO_VALUE:
            equal = bool(value == target)
            return ("right" if equal else "wrong"), None, "" if equal else "another value"
        arguments = _literal_call(node)
        if arguments is not None:
            ran = self.sandbox.run_calls(code, "f", [arguments], self.limits)
        else:
            expression = text_of(node)
            if expression is None:
                return "syntax", None, "the answer is nested too deeply"
            source = f"{code}\ndef _answer_():\n    return ({expression})\n"
            if old:
                source = without_new_methods(source)
            ran = self.sandbox.run_calls(source, "_answer_", [((), {})], self.limits)
        if ran.results and isinstance(ran.results[0], Returned):
            equal = bool(target == ran.results[0].value)
            return ("right" if equal else "wrong"), ran.outcome, "" if equal else "another value"
        status = STATUS_OF[ran.outcome.status]
        detail = str(ran.results[0]) if ran.results else ran.outcome.detail
        return ("wrong" if status == "right" else status), ran.outcome, detail[:300]

    def _statement(self, code: str, statement: str, old: bool) -> tuple[Status, Outcome | None, str]:
        """An answer that makes more of the assertion than a comparison: run as it stands, inside."""
        source = f"{code}\n{statement}\ndef _done_():\n    return True\n"
        ran = self.sandbox.run_calls(
            without_new_methods(source) if old else source, "_done_", [((), {})], self.limits
        )
        done = bool(ran.results) and isinstance(ran.results[0], Returned) and ran.results[0].value is True
        status = STATUS_OF[ran.outcome.status]
        if not done and status == "right":
            status = "wrong"
        return status, ran.outcome, "" if done else ran.outcome.detail

    def _predicts(self, wanted: str, text: str) -> bool:
        """Whether an answer is what was asked for: a literal output, or a call with literal arguments."""
        tree = _parsed(f"assert {wanted} == {text}")
        compared = _compared(tree) if tree is not None else None
        if compared is None:
            return False
        if self.mode == "output":
            return _literal(compared[1]) is not _NO_VALUE
        return _literal_call(compared[1]) is not None


def _parsed(text: str) -> ast.Module | None:
    try:
        return syntax.module(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _compared(tree: ast.Module) -> tuple[ast.expr, ast.expr] | None:
    """Both sides, when the text is one assertion of one equality."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Assert) or tree.body[0].msg is not None:
        return None
    test = tree.body[0].test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return None
    return test.left, test.comparators[0]


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _NO_VALUE


def _literal_call(node: ast.expr) -> tuple[list[Any], dict[str, Any]] | None:
    """The arguments of a call of `f` with nothing but literals."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "f"):
        return None
    values = [_literal(argument) for argument in node.args]
    named = {keyword.arg: _literal(keyword.value) for keyword in node.keywords}
    if any(value is _NO_VALUE for value in (*values, *named.values())) or None in named:
        return None
    return values, {str(name): value for name, value in named.items()}


def text_of(node: ast.expr) -> str | None:
    """The expression as text; None when it is nested too deeply to be written."""
    try:
        return ast.unparse(node)
    except RecursionError:
        return None


class _WithoutMethods(ast.NodeTransformer):
    """Calls of the methods become attribute errors, as in a Python that does not have them."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr in _OLD_METHODS:
            node.attr = f"_no_{node.attr}_"
        return node


def without_new_methods(source: str) -> str:
    """The source as Python 3.8 would take it, as far as string methods go that came with 3.9."""
    if not any(name in source for name in _OLD_METHODS):
        return source
    tree = _parsed(source)
    if tree is None:
        return source
    try:
        return ast.unparse(_WithoutMethods().visit(tree))
    except RecursionError:
        return source  # nested so deeply that it will not compile inside either
