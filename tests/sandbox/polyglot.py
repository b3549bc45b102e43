"""Programs of every language, right, wrong and hostile; also a program of its own, to run as another user."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from evalsuite.sandbox import Limits, Sandbox
from evalsuite.sandbox import languages as installed_languages

MARKER = "THE_MARKER"

# What must come of each kind. Where a language cannot fail to compile, the kind is left out of its programs.
EXPECTED: dict[str, set[str]] = {
    "right": {"pass"},
    "wrong": {"fail", "crash"},  # an assertion that aborts is a crash
    "throws": {"fail", "crash"},
    "malformed": {"compile_error", "fail"},  # interpreters tell at run time
    "endless": {"timeout"},
    "leaves": {"fail"},  # with exit code 0, before its tests
    "prints": {"fail"},  # another text than the one wanted; compared out here
    "talks": {"fail", "crash", "timeout", "oom"},  # output without end
    "hoards": {"fail", "crash", "oom", "timeout"},
    "forks": {"fail", "crash", "timeout", "oom"},
    "builds": {"compile_error", "timeout", "oom"},  # keeps the compiler busy, or asks it for a host's file
    "includes": {"compile_error", "fail"},
    "spans": {"oom"},  # no memory of its own, but gigabytes of the kernel's to tell where nothing is
    "excuses": {"compile_error"},  # makes the compiler say that somebody killed it
}

_CPP = "#include <bits/stdc++.h>\n#include <unistd.h>\nusing namespace std;\n"
_JAVA = (
    "import java.util.*;\nclass Problem {\n%s\n"
    "    public static void main(String[] args) throws Exception {\n%s\n    }\n}\n"
)
_CS = (
    "using System;\nusing System.Diagnostics;\nclass Problem {\n%s\n    static void Main() {\n%s\n    }\n}\n"
)
_GO = (
    'package main\n\nimport (\n\t"os"\n\t"syscall"\n\t"testing"\n)\n\nvar _, _ = os.Args, syscall.Getpid\n'
    "%s\nfunc TestIt(t *testing.T) {\n%s\n}\n"
)

PROGRAMS: dict[str, dict[str, str]] = {
    "python": {
        "right": f"assert 1 + 1 == 2\nprint('{MARKER}')",
        "wrong": "assert 1 + 1 == 3",
        "throws": "[][1]",
        "malformed": "def f(:",
        "endless": "while True: pass",
        "leaves": f"import os\nos._exit(0)\nprint('{MARKER}')",
        "prints": f"print(41)\nprint('{MARKER}')",
        "talks": "while True: print('x' * 4096)",
        "hoards": "kept = []\nwhile True: kept.append(b'x' * (1 << 24))",
        "forks": "import os\nwhile True: os.fork()",
        "includes": "open('/etc/shadow').read()",
    },
    "cpp": {
        "right": _CPP + f'int main() {{ assert(1 + 1 == 2); puts("{MARKER}"); }}',
        "wrong": _CPP + "int main() { assert(1 + 1 == 3); }",
        "throws": _CPP + "int main() { vector<int> v; return v.at(3); }",
        "malformed": _CPP + "int main() { return x; }",
        "endless": "int main() { for (volatile int i = 0;; i = i + 1) {} }",
        "leaves": _CPP
        + f'struct Early {{ Early() {{ _exit(0); }} }} early;\nint main() {{ puts("{MARKER}"); }}',
        "prints": _CPP + f'int main() {{ puts("41"); puts("{MARKER}"); }}',
        "talks": _CPP + "int main() { for (;;) puts(string(4096, 'x').c_str()); }",
        "hoards": _CPP + "int main() { for (;;) memset(malloc(1 << 24), 1, 1 << 24); }",
        "forks": _CPP + "int main() { for (;;) fork(); }",
        "builds": "constexpr long f(long n) { long s = 0; for (long i = 0; i < n; i++) s += f(n - 1); return s; }\n"  # noqa: E501
        "static_assert(f(40) == 1);\nint main() {}",
        "includes": '#include "/etc/shadow"\nint main() {}',
        "spans": "#include <sys/mman.h>\nint main() { volatile long s = 0; for (;;) { char* p = (char*) mmap(0, 1L << 35,"  # noqa: E501
        " PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);\n"
        "    if (p == MAP_FAILED) return 1; for (long i = 0; i < 1L << 35; i += 1 << 21) s += p[i]; } }",
        "excuses": 'static_assert(false, "no\\ng++: fatal error: Killed signal terminated program cc1plus");',
    },
    "java": {
        "right": _JAVA % ("", f'assert 1 + 1 == 2; System.out.println("{MARKER}");'),
        "wrong": _JAVA % ("", "assert 1 + 1 == 3;"),
        "throws": _JAVA % ("", "throw new RuntimeException();"),
        "malformed": _JAVA % ("", "return x;"),
        "endless": _JAVA % ("", "while (true) {}"),
        "leaves": _JAVA
        % ("    static { Runtime.getRuntime().halt(0); }", f'System.out.println("{MARKER}");'),
        "prints": _JAVA % ("", f'System.out.println(41); System.out.println("{MARKER}");'),
        "talks": _JAVA % ("", 'while (true) System.out.println("x".repeat(4096));'),
        "hoards": _JAVA
        % ("", "List<byte[]> kept = new ArrayList<>(); while (true) kept.add(new byte[1 << 24]);"),
        "forks": _JAVA
        % ("", 'for (int i = 0; ; i++) Runtime.getRuntime().exec(new String[] {"sleep", "60"});'),
    },
    "js": {
        "right": f"require('assert').equal(1 + 1, 2);\nconsole.log('{MARKER}');",
        "wrong": "require('assert').equal(1 + 1, 3);",
        "throws": "null.x;",
        "malformed": "function (",
        "endless": "for (;;) {}",
        "leaves": f"process.exit(0);\nconsole.log('{MARKER}');",
        "prints": f"console.log(41);\nconsole.log('{MARKER}');",
        "talks": "const fs = require('fs'); for (;;) fs.writeSync(1, 'x'.repeat(4096));",
        "hoards": "const kept = []; for (;;) kept.push(Buffer.alloc(1 << 24, 1));",
        "forks": "for (;;) require('child_process').spawnSync('sleep', ['60'], {timeout: 1});",
        "includes": "require('fs').readFileSync('/etc/shadow');",
    },
    "ts": {
        "right": f"const x: number = 2;\nif (x !== 2) {{ throw new Error(); }}\nconsole.log('{MARKER}');",
        "wrong": "const x: number = 2;\nif (x !== 2 + 1 - 2) { throw new Error('no'); }",
        "throws": "const x: any = null;\nx.y;",
        "malformed": "const x: number = 'text';",
        "endless": "for (;;) {}",
        "leaves": f"declare var process: any;\nprocess.exit(0);\nconsole.log('{MARKER}');",
        "prints": f"console.log(41);\nconsole.log('{MARKER}');",
        "builds": "type Long<N extends 0[], A extends 0[]> = A extends N ? A : Long<N, [...A, 0, ...A]>;\n"
        "type T = { [K in keyof Long<never, [0]>]: T };\nconst x: T = 1 as any as Long<[0, 0], T[]>;",
        "includes": '/// <reference path="/etc/shadow" />\nimport x from "/etc/shadow";\nx;',
    },
    "cs": {
        "right": _CS % ("", f'Debug.Assert(1 + 1 == 2); Console.WriteLine("{MARKER}");'),
        "throws": _CS % ("", "throw new Exception();"),
        "malformed": _CS % ("", "return x;"),
        "endless": _CS % ("", "while (true) {}"),
        "leaves": _CS % ("    static Problem() { Environment.Exit(0); }", f'Console.WriteLine("{MARKER}");'),
        "prints": _CS % ("", f'Console.WriteLine(41); Console.WriteLine("{MARKER}");'),
        "talks": _CS % ("", "while (true) Console.WriteLine(new string('x', 4096));"),
        "hoards": _CS
        % (
            "",
            "var kept = new System.Collections.Generic.List<byte[]>();"
            "while (true) { var b = new byte[1 << 24]; for (int i = 0; i < b.Length; i += 64) b[i] = 1; kept.Add(b); }",  # noqa: E501
        ),
        "forks": _CS % ("", 'while (true) Process.Start("sleep", "60");'),
    },
    "php": {
        "right": f"<?php\nif (1 + 1 !== 2) {{ throw new Exception(); }}\necho '{MARKER}';",
        "wrong": "<?php\nif (1 + 1 !== 3) { throw new Exception(); }",
        "throws": "<?php\nnothing_like_that();",
        "malformed": "<?php\nfunction (",
        "endless": "<?php\nwhile (true) {}",
        "leaves": f"<?php\nexit(0);\necho '{MARKER}';",
        "prints": f"<?php\necho 41, '{MARKER}';",
        "talks": "<?php\nwhile (true) { if (fwrite(STDOUT, str_repeat('x', 4096)) !== 4096) exit(1); }",
        "hoards": "<?php\nini_set('memory_limit', '-1');\n$kept = [];\nwhile (true) { $kept[] = str_repeat(chr(65 + count($kept) % 9), 1 << 24); }",  # noqa: E501
        "forks": "<?php\nwhile (true) { proc_open('sleep 60', [], $pipes); }",
        "includes": "<?php\nif (!@file_get_contents('/etc/shadow')) exit(1);",
    },
    "bash": {
        "right": f"[ $((1 + 1)) = 2 ] || exit 1\necho {MARKER}",
        "wrong": "[ $((1 + 1)) = 3 ]",
        "throws": "nothing_like_that",
        "malformed": "if true; then (",
        "endless": "while :; do :; done",
        "leaves": f"trap 'exit 0' EXIT\nexit 0\necho {MARKER}",
        "prints": f"echo 41; echo {MARKER}",
        "talks": "yes | cat",
        "hoards": "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done",
        "forks": "f() { f | f & }; f; wait; sleep 60",
        "includes": "source /etc/shadow",
    },
    "go": {
        "right": _GO % ("", f'\tprintln("{MARKER}")'),
        "wrong": _GO % ("", '\tt.Errorf("no")'),
        "throws": _GO % ("", "\tpanic(1)"),
        "malformed": _GO % ("", "\treturn x"),
        "endless": _GO % ("", "\tfor {\n\t}"),
        "leaves": _GO % ("func init() { syscall.Exit(0) }", f'\tprintln("{MARKER}")'),
        "prints": _GO % ("", f'\tprintln("41"); println("{MARKER}")'),
        "hoards": _GO
        % (
            "var kept [][]byte",
            "\tfor { b := make([]byte, 1<<24); for i := range b { b[i] = 1 }; kept = append(kept, b) }",
        ),
        "includes": 'package main\nimport _ "embed"\n//go:embed /etc/shadow\nvar x string\n'
        + _GO.partition("\n")[2] % ("", ""),
    },
    "rust": {
        "right": f'fn main() {{ assert_eq!(1 + 1, 2); println!("{MARKER}"); }}',
        "wrong": "fn main() { assert_eq!(1 + 1, 3); }",
        "throws": 'fn main() { let v: Vec<i32> = vec![]; println!("{}", v[std::env::args().count()]); }',
        "malformed": "fn main() { x }",
        "endless": "fn main() { let mut n = 1u32; while n > 0 { n = n.wrapping_mul(3) | 1; } }",
        "leaves": f'fn main() {{ if std::env::args().count() > 0 {{ std::process::exit(0); }} println!("{MARKER}"); }}',  # noqa: E501
        "prints": f'fn main() {{ println!("41"); println!("{MARKER}"); }}',
        "talks": 'fn main() { loop { println!("{}", "x".repeat(4096)); } }',
        "hoards": "fn main() { let mut kept = vec![]; loop { kept.push(vec![1u8; 1 << 24]); } }",
        "forks": 'fn main() { loop { let _ = std::process::Command::new("sleep").arg("60").spawn().unwrap(); } }',  # noqa: E501
        "builds": "const fn f(n: u64) -> u64 { let mut i = 0; while i < n { i += 1; if i == n { i = 0; } } i }\n"  # noqa: E501
        '#[allow(long_running_const_eval)]\nconst X: u64 = f(9);\nfn main() { println!("{}", X); }',
        "includes": 'const SECRET: &str = include_str!("/etc/shadow");\nfn main() { println!("{}", SECRET); }',  # noqa: E501
    },
}


_BASE = Limits(cpu_s=8, wall_s=60, mem_mb=900, nproc=128)
_TIGHT = Limits(cpu_s=2, wall_s=20, mem_mb=400, nproc=64)
_COMPILER = Limits(cpu_s=20, wall_s=90, mem_mb=1500, nproc=128, fsize_mb=64)
_TIGHT_COMPILER = Limits(cpu_s=3, wall_s=60, mem_mb=700, nproc=128)
TAME = ("right", "wrong", "throws", "malformed", "leaves", "prints")
# Nothing of the program before is left: no file, no process but process 1, the shell and what counts.
CONTROL = '[ "$(ls -A /tmp/w)" = main.sh ] && [ "$(ls -d /proc/[0-9]* | wc -l)" -le 5 ]'


def drive(languages: Iterable[str], kinds: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """One row per program: its verdict, and whether anything of it was left."""
    with Sandbox(1) as sandbox:
        for name in languages:
            for kind, source in PROGRAMS[name].items():
                if kinds is not None and kind not in kinds:
                    continue
                outcome = sandbox.language(
                    name,
                    source,
                    MARKER,
                    _BASE if kind in TAME else _TIGHT,
                    _TIGHT_COMPILER if kind == "builds" else _COMPILER,
                )
                if kind == "prints":
                    outcome = outcome.compared(outcome.stdout.startswith("42"))
                yield {
                    "language": name,
                    "kind": kind,
                    "status": outcome.status,
                    "detail": outcome.detail[:300],
                    "isolation": outcome.isolation,
                    "integrity": outcome.integrity,
                    "printed": len(outcome.stdout) + len(outcome.stderr),
                    "secret": "root:" in outcome.stdout + outcome.stderr,
                    "control": sandbox.language("bash", CONTROL).status,
                }


def judge(row: dict[str, Any]) -> str:
    """What is wrong with a row, or an empty string."""
    name = f"{row['language']} {row['kind']}"
    if row["status"] not in EXPECTED[row["kind"]]:
        return f"{name}: {row['status']} ({row['detail']}), expected {sorted(EXPECTED[row['kind']])}"
    if row["control"] != "pass":
        return f"{name}: something of it was left"
    if row["isolation"] != "strong" or row["integrity"] != (
        "split" if row["kind"] == "prints" else "exitcode"
    ):
        return f"{name}: judged under {row['isolation']}, {row['integrity']}"
    if row["secret"] or row["printed"] > 2 * (256 << 10) + 10:
        return f"{name}: it printed {row['printed']} characters, or a secret"
    return ""


if __name__ == "__main__":
    found = [name for name, toolchain in installed_languages().items() if toolchain.installed]
    for row in drive(sys.argv[1:] or found):
        print(json.dumps(row), flush=True)
