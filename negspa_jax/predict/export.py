"""From a finished run to a bundle."""

from dataclasses import replace
from pathlib import Path

from negspa_jax.evaluate import Options, assess_study, read_inputs, without_gaps
from negspa_jax.predict.bundle import check_place, write_bundle
from negspa_jax.predict.card import NO_LICENCE, format_card
from negspa_jax.predict.run_model import open_run_model


def export_run(
    run: Path,
    out: Path,
    *,
    options: Options,
    card: Path | None = None,
    licence: Path | None = None,
) -> str:
    """Write a run's bundle; see `bundle.write_bundle`.

    Args:
        run: directory of a finished run.
        out: the bundle's folder.
        options: names of the classes, what an empty feature means.
        card: a model card, such as the report's; None for one made of the run.
        licence: what may be done with the weights; None for a text that grants
            nothing.

    Returns:
        The bundle's SHA-256.

    Raises:
        ValueError: if the run cannot be used, or something else lies at `out`.
    """
    check_place(out)
    model = open_run_model(run, options)
    if card is None:
        # The card shows no interval that is resampled.
        plain = replace(options, num_resamples=1)
        study = assess_study(without_gaps(read_inputs(run=run), options), plain)
        words = format_card(model, study)
    else:
        words = card.read_text("utf-8")
    terms = licence.read_text("utf-8") if licence else NO_LICENCE
    return write_bundle(model, out, card=words, licence=terms)
