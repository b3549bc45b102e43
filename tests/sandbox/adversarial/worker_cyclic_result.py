# attempt: a list that contains itself
# expect: fail
def add(a, b):
    result = []
    result.append(result)
    return result
