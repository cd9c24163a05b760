"""Damaged files for everything that reads a stranger's file.

`seeds` makes valid files, `mutations` and `fields` damage them (the same number makes
the same damage), `targets` says how the product reads each kind, `worker` reads them
in a process of its own, `watchdog` ends what takes too long, `campaign` counts.
`python -m tests.fuzz --count=20000 --seed=0` is the nightly run.

A new kind of file is one more entry of `targets.TARGETS`.
"""
