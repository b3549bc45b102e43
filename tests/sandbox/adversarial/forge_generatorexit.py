# attempt: GeneratorExit, which some loops take for an end
# expect: fail
def add(a, b):
    raise GeneratorExit
