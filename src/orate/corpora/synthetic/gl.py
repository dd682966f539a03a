"""OpenGL without a window, on a graphics card or on the processor."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orate.errors import OrateError

SHADERS = files("orate.corpora.synthetic") / "shaders"
HEADER = "#version 330 core\n"


def open_context() -> Any:
    """A moderngl context that draws offscreen, by EGL where there is one; OrateError says what to install."""
    try:
        import moderngl
    except ImportError as error:
        raise OrateError(
            "Synthetic people are drawn with moderngl, which is not installed: pip install 'orate[synthetic]'."
        ) from error
    failures = []
    choices: tuple[dict[str, Any], ...] = ({"backend": "egl"}, {})
    for options in choices:
        try:
            return moderngl.create_context(require=330, standalone=True, **options)
        except Exception as error:  # noqa: BLE001  (each platform's loader raises errors of its own)
            failures.append(str(error))
    raise OrateError(
        f"Synthetic people need OpenGL 3.3, which this machine does not offer ({failures[0]}): install a driver; "
        "without a graphics card, on Debian or Ubuntu: apt-get install libegl1 libgl1-mesa-dri."
    )


def build_program(context: Any, vertex: str, fragment: str, *shared: str, lit_vertices: bool = False) -> Any:
    """The program of two shader files, the fragment's led by the files ``shared``, the vertex' by pose.glsl.

    Args:
        context: of `open_context`.
        vertex: name of a file in shaders/.
        fragment: the same.
        *shared: names of files that declare what shaders share.
        lit_vertices: give ``shared`` to the vertex shader too.
    """

    def source(*names: str) -> str:
        return HEADER + "".join((SHADERS / name).read_text(encoding="utf-8") for name in names)

    first = ("pose.glsl", *shared) if lit_vertices else ("pose.glsl",)
    return context.program(vertex_shader=source(*first, vertex), fragment_shader=source(*shared, fragment))


def set_uniforms(program: Any, **values: Any) -> None:
    """Set what the program uses of ``values``; drivers drop uniforms that do not matter."""
    for name, value in values.items():
        if name in program:
            member = program[name]
            if hasattr(value, "tobytes"):
                # Drivers shorten arrays whose last elements a shader does not read.
                used = value.astype("f4").ravel()[: member.dimension * member.array_length]
                member.write(used.tobytes())
            else:
                member.value = value


def make_texture(context: Any, values: NDArray[np.floating], *, exact: bool = False) -> Any:
    """Texture of (h, w, channels), row 0 at v = 0, with mipmaps: bytes of [0, 1], or any half floats if ``exact``."""
    coded = values.astype(np.float16) if exact else np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)
    height, width, channels = coded.shape
    data = np.ascontiguousarray(coded).tobytes()
    texture = context.texture((width, height), channels, data, alignment=1, dtype="f2" if exact else "f1")
    texture.build_mipmaps()
    texture.filter = (context.LINEAR_MIPMAP_LINEAR, context.LINEAR)
    return texture
