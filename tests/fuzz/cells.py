"""Damage to tables: cells, delimiters, quotes, columns, encodings."""

import numpy as np

_ODD = (
    *("", " ", '"', '""', "'", "\n", "\r", "\r\n", "\t", ",", ";", "|", "\0", "\ufeff"),
    *("nan", "inf", "-1", "1e309", "1_0", "0x1", "1.0", "2.0", "-0", "9" * 30),
    *(
        "9" * 5000,
        "٣",
        "²",
        "½",
        "\uff11",
        "x" * 200_000,
        "ß" * 1000,
        "\u202e7",
        "\u2028",
    ),
    *(
        "e\u0301" * 50,
        "😀",
        "\x1b[31m",
        "\x7f",
        "~root",
        "~",
        "/",
        "..",
        ".",
        "/dev/null",
    ),
    *(
        "a/" * 30_000,
        "/" * 5000,
        "10,20; 30,20; 30,40; 10,40",
        "1,1;9,1;9,9",
        "1,2,3,4",
    ),
    *("1e400,1;2,2;3,3;4,4", "0,0,10,10", "4,4,1,1", "9" * 5000 + ",0,1,1", "mm", "k"),
    *("train", "TRAIN", "label", "split", "patient_id", "rvoi", "mean", "left", "both"),
    *(
        "0.5",
        "0,5",
        "1",
        "0",
        "grade_right",
        "reader:a",
        "crop",
        "%s%n",
        "=1+1",
        "\u0000",
    ),
)
_DELIMITERS = ",;\t|"


def damage_cell(content: bytes, key: np.random.Generator) -> bytes:
    """Put something odd in place of one cell to three."""
    lines = content.decode("utf-8", "replace").split("\n")
    for _ in range(int(key.choice((1, 1, 2, 3)))):
        row = int(key.integers(len(lines)))
        cells = lines[row].split(",")
        odd = _ODD[int(key.integers(len(_ODD)))]
        if key.random() < 0.4:
            odd = '"' + odd.replace('"', '""') + '"'
        cells[int(key.integers(len(cells)))] = odd
        lines[row] = ",".join(cells)
    return "\n".join(lines).encode("utf-8", "replace")


def damage_form(content: bytes, key: np.random.Generator) -> bytes:
    """Change delimiters, line ends, encoding, or quotes of the whole table."""
    text = content.decode("utf-8", "replace")
    kind = int(key.integers(6))
    if kind == 0:
        return text.replace(",", _DELIMITERS[int(key.integers(4))]).encode()
    if kind == 1:
        ends = ("\r", "\r\n", "\n\n", "\u2028", "\x0b", "\x1c", "\r\r\n")
        return text.replace("\n", ends[int(key.integers(len(ends)))]).encode()
    if kind == 2:
        codec = ("utf-16", "utf-8-sig", "latin-1", "utf-32", "utf-7")
        return text.encode(codec[int(key.integers(len(codec)))], "replace")
    if kind == 3:
        place = int(key.integers(len(text) + 1))
        return (text[:place] + '"' + text[place:]).encode()
    if kind == 4:
        return text.replace(",", '","').encode()
    return b"PK\x03\x04"[: int(key.integers(5))] + content


def damage_columns(content: bytes, key: np.random.Generator) -> bytes:
    """Add, double, rename or drop a column, or make them very many."""
    rows = [line.split(",") for line in content.decode("utf-8", "replace").split("\n")]
    place, kind = int(key.integers(max(len(rows[0]), 1))), int(key.integers(5))
    many = int(key.choice((100, 5_000, 20_000)))
    for row in rows:
        if kind == 0 and len(row) > place:
            row.append(row[place])
        elif kind == 1 and len(row) > place:
            del row[place]
        elif kind == 2:
            row += ["1"] * (3 if row is not rows[0] else 0)
        elif kind == 3 and len(row) > 1:
            first = row is rows[0]
            row += [f"c{i}" if first else "" for i in range(many)]
        elif kind == 4 and len(row) > place and row is rows[0]:
            row[place] = _ODD[int(key.integers(len(_ODD)))]
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")


def damage_rows(content: bytes, key: np.random.Generator) -> bytes:
    """Repeat, leave out or exchange rows."""
    lines = content.split(b"\n")
    row = int(key.integers(len(lines)))
    kind = int(key.integers(3))
    if kind == 0:
        lines[row:row] = [lines[row]] * int(key.choice((1, 2, 300)))
    elif kind == 1:
        del lines[row]
    else:
        other = int(key.integers(len(lines)))
        lines[row], lines[other] = lines[other], lines[row]
    return b"\n".join(lines)
