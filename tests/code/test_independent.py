"""Which programs' calls may be made in any order: only those in which it is plain to see."""

from __future__ import annotations

import pytest

from evalsuite.evaluators.code.independent import calls_are_independent

INDEPENDENT = {
    "a loop": "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n",
    "a docstring, imports, a constant": (
        '"""What it does."""\nimport math\nfrom typing import List\nLIMIT = 10**3 and 5\n'.replace(
            "10**3 and 5", "5"
        )
        + "def f(n: List[int] = None) -> float:\n    return math.sqrt(LIMIT * n)\n"
    ),
    "functions of functions": (
        "def g(x):\n    return sorted(x, key=lambda y: -y)\n"
        "def f(x):\n    import heapq\n    d = {}\n    for y in g(x):\n        d[y] = d.get(y, 0) + 1\n"
        "    x.append(1)\n    return heapq.nlargest(2, d)\n"
    ),
}
DEPENDENT = {
    "not Python": "def f(:\n",
    "a list that stays": "SEEN = []\ndef f(x):\n    SEEN.append(x)\n    return len(SEEN)\n",
    "a default that stays": "def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)\n",
    "a keyword's default": "def f(x, *, seen={}):\n    return seen.setdefault(x, len(seen))\n",
    "a lambda's default": "def g():\n    return 1\ndef f(x):\n    return (lambda seen={}: seen)()\n",
    "a global": "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n\n",
    "an attribute of the function": "def f(x):\n    f.n = x\n    return f.n\n",
    "the function's own dictionary": "def f(x):\n    f.__dict__['n'] = x\n",
    "a cache": "import functools\n@functools.cache\ndef f(x):\n    return x\n",
    "chance": "import random\ndef f(x):\n    return random.random()\n",
    "chance, imported inside": "def f(x):\n    import random\n    return random.random()\n",
    "time": "from time import time\ndef f(x):\n    return time()\n",
    "a class": "class A:\n    n = 0\ndef f(x):\n    A.n += 1\n    return A.n\n",
    "globals()": "def f(x):\n    globals()['n'] = x\n",
    "setattr": "def f(x):\n    setattr(f, 'n', x)\n",
    "exec": "def f(x):\n    exec('global n; n = 1')\n",
    "an address": "def f(x):\n    return id(x)\n",
    "the frame of a generator": "def f(x):\n    (y for y in x).gi_frame.f_globals['n'] = 1\n",
    "the frames of an error": (
        "def f(x):\n    try:\n        x()\n    except Exception as e:\n        e.__traceback__\n"
    ),
    "annotations that are evaluated": "from typing import get_type_hints as g\ndef f(x):\n    return g(f)\n",
    "an iterator that stays": "from itertools import count\nC = count()\ndef f(x):\n    return next(C)\n",
    "code that runs first": "print('hello')\ndef f(x):\n    return x\n",
}


@pytest.mark.parametrize("name", INDEPENDENT)
def test_plain_functions_are_independent(name: str) -> None:
    assert calls_are_independent(INDEPENDENT[name])


@pytest.mark.parametrize("name", DEPENDENT)
def test_whatever_may_stay_is_not(name: str) -> None:
    assert not calls_are_independent(DEPENDENT[name])
