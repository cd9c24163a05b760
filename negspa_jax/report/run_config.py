"""A run's config as what sentences are made of."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from negspa_jax.evaluate.study import Study

Config = Mapping[str, Any]


def of_run(write: Callable[[Config], str]) -> Callable[[Study], str]:
    """Turn a function of a run's config into one of a study.

    Without a run, or where a field or value is another version's, the answer is "".
    """

    @wraps(write)
    def answer(study: Study) -> str:
        config = study.provenance.config
        try:
            return write(config) if config else ""
        except KeyError:
            return ""

    return answer


def list_stages(config: Config) -> list[dict[str, Any]]:
    """The stages of a flat config, whose fields are `stages[0].epochs` and so on."""
    stages: list[dict[str, Any]] = []
    while f"stages[{len(stages)}].epochs" in config:
        start = f"stages[{len(stages)}]."
        stages.append(
            {
                name.removeprefix(start): value
                for name, value in config.items()
                if name.startswith(start)
            }
        )
    return stages


def list_sizes(config: Config) -> list[int]:
    """Every side of the images in pixels, in the order of the stages."""
    return list(dict.fromkeys(stage["image_size"] for stage in list_stages(config)))
