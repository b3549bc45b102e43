"""What runs inside a worker, behind the walls: kept small, since every page it touches is copied on each
fork.
"""

# What of a job only the fork may unpack: no later program shall find it.
PACKED = ("source", "test", "test_code", "files", "args")
