# attempt: writes into /usr and /etc
# expect: fail
def add(a, b):
    for path in ("/usr/x", "/usr/local/x", "/etc/x", "/x", "/bin/x"):
        try:
            open(path, "w").close()
            return a + b
        except OSError:
            pass
    return 0
