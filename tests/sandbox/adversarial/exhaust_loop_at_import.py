# attempt: an endless loop while loading
# expect: timeout
while True:
    pass
