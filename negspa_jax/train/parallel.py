"""Spreading a step over devices and machines; the only file that knows `pmap`.

A step is written for one replica over the named axis `AXIS`; here it is mapped. A
value that all replicas share (parameters, optimizer state, results) has no leading
axis on either side, a batch has one entry for each local device. `jax.pmap`'s
successor `shard_map` would be a change of `spread` alone.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "devices"


def spread(step: Callable, *, batched: tuple[bool, ...], donate: bool) -> Callable:
    """Map a per-replica step over all devices.

    Args:
        step: uses the axis `AXIS` for its reductions; its results are equal on every
            replica.
        batched: for each argument, whether it is split over the devices.
        donate: the first argument's memory is given to the result.

    Returns:
        The mapped step; its results carry no device axis.
    """
    return jax.pmap(
        step,
        axis_name=AXIS,
        in_axes=tuple(0 if split else None for split in batched),
        out_axes=None,
        donate_argnums=(0,) if donate else (),
    )


def local_rows(batch_size: int) -> slice:
    """Return the rows of a global batch that this process reads."""
    share = batch_size // jax.process_count()
    start = share * jax.process_index()
    return slice(start, start + share)


def split_over_devices(array: np.ndarray) -> np.ndarray:
    """Reshape this process's rows to (local devices, rows of one device, ...)."""
    devices = jax.local_device_count()
    return array.reshape(devices, len(array) // devices, *array.shape[1:])


def to_devices_multiple(size: int) -> int:
    """Round a batch size up, so that every device gets the same number of rows."""
    return -(-size // jax.device_count()) * jax.device_count()


def to_host(tree: Any) -> Any:
    """Copy a tree of equal replicas to numpy arrays.

    A true copy: on a CPU `np.asarray` would show memory that a later step reuses.
    """
    return jax.tree.map(lambda leaf: np.array(leaf, copy=True), tree)


def connect(
    coordinator: str | None, num_processes: int | None, rank: int | None
) -> None:
    """Join the processes of a run on several machines.

    Without arguments JAX finds its peers through SLURM or Open MPI.

    Raises:
        ValueError: if there is no such environment, or the others do not answer.
    """
    try:
        jax.distributed.initialize(coordinator, num_processes, rank)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            "a run on several machines needs SLURM, Open MPI, or --coordinator=HOST:"
            f"PORT with --num_processes and --process_id, got: {error}"
        ) from None


def is_first() -> bool:
    """Whether this process writes the files that all share."""
    return jax.process_index() == 0


def is_one_of_many() -> bool:
    """Whether other processes train the same fold."""
    return jax.process_count() > 1


def wait_for_all(name: str) -> None:
    """Wait until every process has come to the same place."""
    if is_one_of_many():
        multihost_utils.sync_global_devices(name)


def any_process(flag: bool) -> bool:
    """Whether any process says so; every process must ask."""
    if not is_one_of_many():
        return flag
    return bool(np.any(multihost_utils.process_allgather(np.array([flag]))))


def replicate(tree: Any) -> Any:
    """Copy a tree to every device once, so that steps need not send it again."""
    mesh = Mesh(np.array(jax.devices()), (AXIS,))
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))
