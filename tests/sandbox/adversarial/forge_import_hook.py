# attempt: an import hook that hands changed modules to whatever loads later
# expect: fail
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        raise SystemExit(0)
sys.meta_path.insert(0, Finder())
sys.path_hooks.clear()
def add(a, b):
    import evalsuite.sandbox.wire
    return 0
