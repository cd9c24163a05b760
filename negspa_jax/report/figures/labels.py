"""Where the names of points go, so that they hide neither points nor each other."""

from collections.abc import Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top

# Right, below, left, above, then the corners; nearer places before farther ones.
_DIRECTIONS = ((1, 0), (0, -1), (-1, 0), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))
_DISTANCES = (0.022, 0.05, 0.085, 0.125, 0.17)


def place_labels(
    points: Sequence[Point],
    texts: Sequence[str],
    *,
    taken: Sequence[Point] = (),
    width: float = 0.021,
    height: float = 0.045,
) -> list[Point]:
    """The left bottom corner of each text beside its point.

    Args:
        points: in shares of the axes.
        texts: one for each point.
        taken: further points that no text may cover.
        width: of a letter, in shares of the axes.
        height: of a letter, in shares of the axes.

    Returns:
        Corners. Texts keep clear of points, edges and each other, as far as there is
        room within a short distance; the first place that costs least is taken.

    Example:
        >>> place_labels([(0.5, 0.5), (0.55, 0.5)], ["A", "B"])[0]
        (0.4895, 0.433)
    """
    boxes: list[Box] = []
    keep_clear = [*points, *taken]
    for (x, y), text in zip(points, texts, strict=True):
        size = width * max(len(text), 1), height
        found = [
            _beside(x, y, size, direction, distance)
            for distance in _DISTANCES
            for direction in _DIRECTIONS
        ]
        boxes.append(min(found, key=lambda box: _cost(box, boxes, keep_clear)))
    return [box[:2] for box in boxes]


def _beside(
    x: float, y: float, size: Point, direction: tuple[int, int], distance: float
) -> Box:
    width, height = size
    right, up = direction
    left = x + right * distance + (0 if right > 0 else -width if right else -width / 2)
    bottom = y + up * distance + (0 if up > 0 else -height if up else -height / 2)
    return round(left, 4), round(bottom, 4), left + width, bottom + height


def _cost(box: Box, boxes: Sequence[Box], points: Sequence[Point]) -> float:
    """How many things a text hides; of equals the first stands nearest."""
    left, bottom, right, top = box
    outside = left < 0 or bottom < 0 or right > 1 or top > 1
    margin = 0.008
    covered = sum(
        left - margin < x < right + margin and bottom - margin < y < top + margin
        for x, y in points
    )
    overlaps = sum(
        left < other[2] and other[0] < right and bottom < other[3] and other[1] < top
        for other in boxes
    )
    return 10 * outside + 2 * overlaps + covered
