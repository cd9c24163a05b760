"""Class activation maps of typical and of wrong cases."""

from negspa_jax.evaluate.cases import Case
from negspa_jax.evaluate.provenance import CaseMap
from negspa_jax.evaluate.study import Study
from negspa_jax.report.blocks import Album, Picture
from negspa_jax.report.digits import format_number
from negspa_jax.report.roles import name_encoders

_WHERE = (
    "A map shows what moved the score; it is no proof that a lesion is there. Hashes: "
    "study.json."
)


def list_albums(study: Study) -> list[Album]:
    """Two sheets: patients called wrongly, and typical ones of those called rightly."""
    where = (
        f"Grad-CAM at the last convolutional map of {name_encoders(study)}. {_WHERE}"
    )
    cases = {(case.split, case.patient_id): case for case in study.cases}
    wrong: list[Picture] = []
    typical: list[Picture] = []
    others: list[Picture] = []
    for number, found in enumerate(study.provenance.maps, start=1):
        case = cases.get((found.split, found.patient_id))
        picture = _caption(study, found, case, number)
        sheet = others if case is None else typical
        if case is not None and case.outcome.startswith("false"):
            sheet = wrong
        sheet.append(picture)
    return [
        Album("maps_wrong", "Maps of patients called wrongly", where, tuple(wrong)),
        Album(
            "maps_typical",
            "Maps of typical patients called rightly",
            "Called rightly, with a score near the median of their group. " + where,
            tuple(typical),
        ),
        Album("maps_others", "Maps of further patients", where, tuple(others)),
    ]


def name_picture(number: int) -> str:
    """The file of the map of this place in the study; ids may not be names of files."""
    return f"maps/map_{number:03}.png"


def _caption(study: Study, found: CaseMap, case: Case | None, number: int) -> Picture:
    words = [f"{found.split}, patient {found.patient_id}"]
    if case is not None:
        score = format_number(case.scores[study.names.primary])
        words.append(f"{case.outcome}, score {study.names.primary} {score}")
    return Picture(name_picture(number), found.png, ": ".join(words))
