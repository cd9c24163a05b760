"""The affine map alone, drawn and applied: rotation, flip, shift and no more."""

from negspa_jax.augment import affine_map, draw_motion, over_grid, sample


def random_affine(key, shape, **options):
    """The map from output pixels (row, column, 1) to input pixels that a key draws."""
    return affine_map(draw_motion(key, shape, **options), shape)


def resample(image, affine):
    """Sample an image bilinearly at affine @ (row, column, 1), zero outside it."""
    return sample(image, *over_grid(affine, image.shape[:2]))
