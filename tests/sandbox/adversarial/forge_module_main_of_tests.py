# attempt: reaches for the test module under the names that test runners use
# expect: fail
import sys
def add(a, b):
    for name in ("__main__", "tests", "test", "conftest", "pytest", "unittest", "check", "harness"):
        module = sys.modules.get(name)
        for value in vars(module).values() if module else ():
            if callable(value) and getattr(value, "__name__", "") in ("check", "check_add", "main"):
                return a + b
    return 0
