"""The checker of every annotation in the tests: where a float stands, an int may too."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
