# attempt: a source in another encoding that hides its text
# expect: fail|compile_error
# -*- coding: utf-7 -*-
def add(a, b):
    return 0
