"""OpenGL without a window, on a graphics card or on the processor."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

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


def build_program(context: Any, vertex: str, fragment: str, *shared: str) -> Any:
    """The program of two shader files, each led by the files ``shared``."""

    def source(name: str) -> str:
        return HEADER + "".join((SHADERS / part).read_text(encoding="utf-8") for part in (*shared, name))

    return context.program(vertex_shader=source(vertex), fragment_shader=source(fragment))


def set_uniforms(program: Any, **values: Any) -> None:
    """Set what the program uses of ``values``; drivers drop uniforms that do not matter."""
    for name, value in values.items():
        if name in program:
            member = program[name]
            if hasattr(value, "tobytes"):
                member.write(value.astype("f4").tobytes())
            else:
                member.value = value
