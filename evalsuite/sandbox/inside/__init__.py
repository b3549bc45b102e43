"""What runs inside a worker, behind the walls: kept small, since every page it touches is copied on each
fork.
"""
