"""Models that nobody here wrote, through every importer and every writer: `make zoo`.

    python -m tools.zoo                  run what has no result yet, write docs/zoo.md
    python -m tools.zoo --only 'gluon*'  only these rows; the page is not written

Each row runs in a process of its own with limits of time and memory. Results lie in build/zoo, so
that an interrupted run goes on where it was; a changed source of unidl makes them old.
"""
