"""What a finished run's models say of patients: maps of evidence, with their records.

Its door is `python -m negspa_jax.predict`. Research software, not a medical device.
"""
