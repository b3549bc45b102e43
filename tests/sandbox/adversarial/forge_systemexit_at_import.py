# attempt: SystemExit(0) while loading
# expect: fail
raise SystemExit(0)
