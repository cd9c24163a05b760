"""The words for arrays: `Float[Array, "b h w c"]` states kind and axes.

With jaxtyping installed (as in the tests) the shapes can be checked at run time;
without it the same annotations are plain documentation. Rooms that know no jax
write `Float[np.ndarray, "n"]`; `Array` (a jax array) is looked up on first use,
so that importing this module does not import jax.

Axes, one letter each: `b` batch, `m` sequence, `s` side, `h w c` rows, columns,
channels, `p q` block grid, `d` feature, `i j k` voxel, `n` patients, `r` readers.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Annotated as Bool
    from typing import Annotated as Float
    from typing import Annotated as Int
    from typing import Annotated as Shaped

    from jax import Array

    Key = Array
else:
    try:
        from jaxtyping import Bool, Float, Int, Shaped
    except ImportError:

        class _Annotation:
            def __getitem__(self, item: tuple[Any, str]) -> Any:
                return item[0]

        Bool = Float = Int = Shaped = _Annotation()

    def __getattr__(name: str) -> Any:
        if name in ("Array", "Key"):
            from jax import Array

            return Array
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Array", "Bool", "Float", "Int", "Key", "Shaped"]
