"""The checker of all annotations in the tests: where float stands, an int may too."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
