# attempt: doubles a string until memory ends
# expect: oom|fail|timeout
def add(a, b):
    text = "x"
    while True:
        text += text
