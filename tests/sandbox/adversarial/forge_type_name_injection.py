# attempt: a type whose name closes the frame and writes the answer
# expect: fail|tampered
Odd = type('x",true]}],["r",3', (), {})
def add(a, b):
    return Odd()
