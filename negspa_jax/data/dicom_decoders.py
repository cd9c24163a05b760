"""Which package decodes which transfer syntax, and how safely.

pydicom would try every plugin installed. Damaged data make two of them leave Python
(GDCM aborts the process, pylibjpeg-rle panics), so that the order stands here: RLE by
pydicom itself, and GDCM in a process of its own, where it can die alone.
"""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
from pydicom.pixels import get_decoder, pixel_array
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

from negspa_jax.data.errors import RefusedError
from negspa_jax.shapes import Shaped

# pydicom's plugins in the order to try, and what to install where there is none.
# The one package that reads 12-bit JPEG is GPLv3: named, never a dependency.
_GDCM = (("gdcm",), "python-gdcm")
_PLUGINS: dict[str, tuple[tuple[str, ...], str]] = {
    RLELossless: (("pydicom",), ""),
    JPEGBaseline8Bit: (("pillow",), "pillow"),
    JPEGExtended12Bit: (("pillow", "pylibjpeg"), "pylibjpeg-libjpeg (GPLv3)"),
    JPEGLossless: _GDCM,
    JPEGLosslessSV1: _GDCM,
    **dict.fromkeys(JPEGLSTransferSyntaxes, _GDCM),
    **dict.fromkeys(
        JPEG2000TransferSyntaxes,
        (("pylibjpeg", "pillow"), "pylibjpeg and pylibjpeg-openjpeg"),
    ),
}
_APART = "gdcm"
_SECONDS = 60
_PROGRAM = """
import sys
import numpy
from pydicom.pixels import pixel_array
values = pixel_array(
    sys.argv[1], index=0, correct_unused_bits=False, decoding_plugin="gdcm"
)
numpy.save(sys.stdout.buffer, values, allow_pickle=False)
"""


def decode(elements: pydicom.Dataset, path: Path) -> Shaped[np.ndarray, "h w *c"]:
    """Decode the first frame: all its bits, native byte order, YBR made RGB.

    Args:
      elements: the file's elements, checked.
      path: the file, for the decoder that runs in a process of its own.

    Raises:
      RefusedError: no installed package can.
    """
    syntax = elements.file_meta.TransferSyntaxUID
    for plugin in _list_plugins(syntax):
        apart = plugin == _APART
        values = _decode_apart(path) if apart else _decode_here(elements, plugin)
        if values is not None:
            return values.astype(values.dtype.newbyteorder("="), copy=False)
    raise RefusedError(_explain_failure(syntax))


def _list_plugins(syntax: UID) -> tuple[str, ...]:
    if not syntax.is_encapsulated:
        return ("",)
    if syntax not in _PLUGINS:
        return ()
    available = get_decoder(syntax).available_plugins
    return tuple(plugin for plugin in _PLUGINS[syntax][0] if plugin in available)


def _decode_here(elements: pydicom.Dataset, plugin: str) -> np.ndarray | None:
    try:
        return pixel_array(
            elements, index=0, correct_unused_bits=False, decoding_plugin=plugin
        )
    except Exception:
        return None  # the caller's sentence quotes nothing of what was raised


def _decode_apart(path: Path) -> np.ndarray | None:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(path.resolve())],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        return None
    return np.load(io.BytesIO(done.stdout), allow_pickle=False)


def _explain_failure(syntax: UID) -> str:
    """Name the syntax only where DICOM does: a private UID may tell who made it."""
    name = syntax.name if syntax.name != str(syntax) else "an unknown transfer syntax"
    reason = f"must hold pixel data that can be decoded, got {name}: "
    if syntax not in _PLUGINS and syntax.is_encapsulated:
        return reason + "no package reads it, convert it to another syntax"
    package = _PLUGINS.get(syntax, ((), ""))[1]
    if not package:
        return reason + "it is damaged"
    if not _list_plugins(syntax):
        return f"{reason}install {package}"
    return f"{reason}it is damaged, or needs {package}"
