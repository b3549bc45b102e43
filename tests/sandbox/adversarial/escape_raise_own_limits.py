# attempt: raises its own hard limits
# expect: fail
import resource
def add(a, b):
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return a + b
