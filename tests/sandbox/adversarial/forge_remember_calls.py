# attempt: answers by the number of the call, which is wrong for a later one
# expect: fail
count = [0]
def add(a, b):
    count[0] += 1
    return [3, 0, 41][count[0] - 1]
