# attempt: answers from a list of guesses by call number
# expect: fail
guesses = iter([3, 3, 3, 3, 3, 3])
def add(a, b):
    return next(guesses)
