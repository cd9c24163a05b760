"""What a report said once of a fixed study; `make.py` writes it anew."""
