"""How much of the sky each vertex sees, measured once by looking at the head from many sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

DIRECTIONS = 72
RADIUS_CM = 22.0
CENTRE_CM = np.array([0.0, -1.0, 0.0])
BIAS_CM = 0.12
SIDE = 320
VERTEX = """#version 330 core
in vec3 position;
uniform mat4 to_clip;
void main() { gl_Position = to_clip * vec4(position, 1.0); }
"""
FRAGMENT = "#version 330 core\nvoid main() {}\n"


def sky_directions(count: int = DIRECTIONS) -> Array:
    """(count, 3) unit vectors spread evenly over the sphere (Fibonacci's spiral)."""
    k = np.arange(count) + 0.5
    y, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - y * y)
    return np.stack([radius * np.cos(turn), y, radius * np.sin(turn)], axis=1).astype(np.float32)


def side_view(direction: NDArray[np.floating], radius: float = RADIUS_CM) -> NDArray[np.float64]:
    """(4, 4) orthographic projection of a ball around the head, seen from ``direction``, to clip space."""
    z = np.asarray(direction, np.float64) / np.linalg.norm(direction)
    x = np.cross([0, 1, 0] if abs(z[1]) < 0.9 else [1, 0, 0], z)
    x = x / np.linalg.norm(x)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([x, np.cross(z, x), -z]) / radius
    matrix[:3, 3] = -matrix[:3, :3] @ CENTRE_CM
    return matrix


def measure_occlusion(context: Any, vertices: Array, normals: Array, triangles: NDArray[np.int64]) -> Array:
    """(n,) in [0, 1]: the share of the sky that each vertex sees, weighted by the cosine to its normal."""
    program = context.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT)
    points = context.buffer(np.ascontiguousarray(vertices, np.float32).tobytes())
    index = context.buffer(triangles.astype("i4").tobytes())
    drawn = context.vertex_array(program, [(points, "3f", "position")], index)
    depth = context.depth_texture((SIDE, SIDE))
    canvas = context.framebuffer(depth_attachment=depth)
    context.enable(context.DEPTH_TEST)
    seen, total = np.zeros(len(vertices)), np.full(len(vertices), 1e-6)
    lifted = vertices + BIAS_CM * normals
    for direction in sky_directions():
        canvas.use()
        canvas.clear(depth=1.0)
        matrix = side_view(direction)
        program["to_clip"].write(matrix.T.astype("f4").tobytes())
        drawn.render()
        nearest = np.frombuffer(depth.read(), np.float32).reshape(SIDE, SIDE)
        place = lifted @ matrix[:3, :3].T + matrix[:3, 3]
        column, row = (np.clip((place[:, axis] + 1) / 2 * SIDE, 0, SIDE - 1).astype(np.intp) for axis in (0, 1))
        cosine = np.maximum(normals @ direction, 0)
        seen += cosine * ((place[:, 2] + 1) / 2 < nearest[row, column] + BIAS_CM / RADIUS_CM / 2)
        total += cosine
    for resource in (drawn, index, points, canvas, depth, program):
        resource.release()
    return np.asarray(seen / total, np.float32)
