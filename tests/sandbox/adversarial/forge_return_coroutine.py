# attempt: returns a coroutine
# expect: fail
async def add(a, b):
    return a + b
