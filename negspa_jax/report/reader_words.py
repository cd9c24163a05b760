"""What captions say of readers: which mark is whose, and whom the label depends on."""

from negspa_jax.evaluate.study import Study

# Rules of `data.reference` by which readers' calls make the label.
_MADE_OF_READERS = ("readers", "agreement")


def explain_stars(study: Study) -> str:
    """The end of a caption of curves that readers stand beside; "" without readers."""
    if not study.readings:
        return ""
    helped = any(row.assisted for row in study.readings)
    filled = "; filled: with the model's help" if helped else ""
    named = "figure “Readers beside the score” names them"
    return f" Hollow stars: readers alone{filled}; {named}.{doubt_readers(study)}"


def doubt_readers(study: Study) -> str:
    """The end of a caption: which readers may have made what they are judged by.

    A reader who says what the label says of every patient is likely to have made it;
    where the run says so, all of them have.
    """
    rule = study.provenance.config.get("data.reference")
    if rule in _MADE_OF_READERS and study.readings:
        return (
            " The label was made of readers' calls: those who made it are not "
            "independent of it, and stand nearer to it than others would."
        )
    same = dict.fromkeys(
        f"{row.reader} in {row.split}"
        for row in study.readings
        if not row.assisted
        and not row.counts.false_positives
        and not row.counts.false_negatives
    )
    if not same:
        return ""
    return (
        f" These say of every patient what the label says: {', '.join(same)}. A reader "
        "whose calls made the reference is not independent of it."
    )
