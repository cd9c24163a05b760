"""The words for the columns of a cohort table that both wings know.

The cohort table (images in) and the predictions table (scores out) share these names;
what a column may hold is said in `data/cohort.py`.
"""

# The nine binary features of spondyloarthritis, in the order of Equation 9's list.
FEATURES = (
    "arthritis",
    "heel_enthesitis",
    "uveitis",
    "dactylitis",
    "psoriasis",
    "ibd",
    "nsaid_response",
    "family_history",
    "elevated_crp",
)
# Grades of both joints, 0 to 4; a reader's own are `grade_right:<name>`.
GRADES = ("grade_right", "grade_left")
COVARIATES = ("age", "sex", "disease_duration_months", "structural_damage")
# Of these, those that are numbers, whatever a cell holds.
NUMBERS = ("age", "disease_duration_months")
# Readers' calls: `reader:<name>` alone, `reader_ai:<name>` with the model's help.
READER, READER_AI = "reader:", "reader_ai:"
# The split of a table that has no such column.
NO_SPLIT = "all"
