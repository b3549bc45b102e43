# attempt: CONTROL: right, with a __main__ block that would fail
# expect: pass
def add(a, b):
    return a + b
if __name__ == "__main__":
    raise SystemExit(1)
