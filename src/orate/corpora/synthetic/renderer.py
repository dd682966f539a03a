"""Draws people offscreen, with moderngl."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts
from orate.corpora.synthetic.eyes import eye_centres, gaze_rotation
from orate.corpora.synthetic.gl import build_program, open_context, set_uniforms
from orate.corpora.synthetic.identity import expressed, shaped
from orate.corpora.synthetic.mesh import build_mesh
from orate.corpora.synthetic.pose import PIVOT_CM, Pose, neck_stiffness
from orate.corpora.synthetic.scene import Assets, Person, Setting

Array = NDArray[np.float32]
STRAIGHT_AHEAD = np.zeros(2)
SAMPLES = 4


class HeadRenderer:
    """Renders people of one size of picture; not to be shared between threads."""

    def __init__(self, assets: Assets, size: tuple[int, int] = (256, 256)):
        """Open OpenGL and load the mesh; ``size`` is (height, width) px. OrateError where OpenGL cannot be had."""
        self.assets, self.size = assets, size
        self.mesh = build_mesh(assets, parts.SKIN)
        self.context = open_context()
        self._programs = {
            name: build_program(self.context, "surface.vert", f"{name}.frag", "lighting.glsl")
            for name in ("skin", "eye", "mouth")
        }
        height, width = size
        samples = min(SAMPLES, int(self.context.max_samples))
        self._canvas = self.context.framebuffer(
            [self.context.renderbuffer((width, height), 4, samples=samples)],
            self.context.depth_renderbuffer((width, height), samples=samples),
        )
        self._picture = self.context.framebuffer([self.context.renderbuffer((width, height), 4)])
        source = self.mesh.source
        self._moving = self.context.buffer(reserve=len(source) * 24, dynamic=True)
        self._still = self.context.buffer(
            np.concatenate([self.mesh.uv, assets.neutral[source], np.ones((len(source), 1), np.float32)], axis=1)
            .astype("f4")
            .tobytes()
        )
        self._stiffness = neck_stiffness(assets.neutral)
        self._draws = {
            "face": self._array("skin", parts.FACE),
            "neck": self._array("skin", parts.HEAD_AND_NECK),
            "socket": self._array("mouth", parts.MOUTH_SOCKET),
            "sockets": self._array("mouth", parts.EYE_SOCKETS),
            "gums": self._array("mouth", parts.GUMS_AND_TONGUE),
            "teeth": self._array("mouth", parts.UPPER_TEETH, parts.LOWER_TEETH),
            "left": self._array("eye", slice(parts.LEFT_EYEBALL.start, parts.LEFT_EYEBALL.start + 770)),
            "right": self._array("eye", slice(parts.RIGHT_EYEBALL.start, parts.RIGHT_EYEBALL.start + 770)),
        }
        self._person: Person | None = None
        self._shape = assets.neutral
        self._eye_centres = eye_centres(assets.neutral, assets.neutral)
        self._textures: dict[str, Any] = {}

    def render(
        self,
        person: Person,
        setting: Setting,
        expression: NDArray[np.floating],
        pose: Pose | None = None,
        gaze: NDArray[np.floating] = STRAIGHT_AHEAD,
    ) -> NDArray[np.uint8]:
        """One picture (height, width, 3) uint8 RGB.

        Args:
            person: kept from call to call as long as it is the same object.
            setting: light, background, camera.
            expression: (57,) weights in the order of ``assets.expression_names``, 0 to 1.
            pose: of the head, default at rest.
            gaze: (2,) degrees that the eyes turn to the image's right and up, from straight ahead of the head.
        """
        self._meet(person)
        vertices = self.vertices(person, expression, pose, gaze)
        source = self.mesh.source
        moving = np.concatenate([vertices[source], self.mesh.normals(vertices)[source]], axis=1)
        self._moving.write(np.ascontiguousarray(moving, np.float32).tobytes())
        self._light(setting)
        self._canvas.use()
        self.context.enable(self.context.DEPTH_TEST)
        self._canvas.clear(0.4, 0.45, 0.5, 1.0)
        for name, array in self._draws.items():
            self._prepare(name, person)
            array.render()
        self.context.copy_framebuffer(self._picture, self._canvas)
        flat = np.frombuffer(self._picture.read(components=3, alignment=1), np.uint8)
        return np.ascontiguousarray(flat.reshape(*self.size, 3)[::-1])

    def vertices(
        self,
        person: Person,
        expression: NDArray[np.floating],
        pose: Pose | None = None,
        gaze: NDArray[np.floating] = STRAIGHT_AHEAD,
    ) -> Array:
        """(26719, 3) cm in world space."""
        self._meet(person)
        vertices = expressed(self.assets, self._shape, expression)
        turn = gaze_rotation(gaze)
        for eyeball, centre in zip(parts.EYEBALLS, self._eye_centres, strict=True):
            vertices[eyeball] = (vertices[eyeball] - centre) @ turn.T + centre
        return (pose or Pose()).move(vertices, self._stiffness)

    def landmarks(
        self,
        person: Person,
        setting: Setting,
        expression: NDArray[np.floating],
        pose: Pose | None = None,
        gaze: NDArray[np.floating] = STRAIGHT_AHEAD,
    ) -> Array:
        """FaceLandmarker's points (478, 3) px, exactly where the mesh has them; `orate.face.landmarks` says how."""
        points = self.assets.landmarks.points(self.vertices(person, expression, pose, gaze))
        return self.project(points, setting, pose).astype(np.float32)

    def project(self, points: NDArray[np.floating], setting: Setting, pose: Pose | None = None) -> NDArray[np.float64]:
        """World points (..., 3) cm to (..., 3) px: x right, y down, z away from the viewer, 0 at the head's origin."""
        pose = pose or Pose()
        origin = pose.rotation @ (-PIVOT_CM) + PIVOT_CM + pose.translation
        return setting.camera.project(points, self.size, origin)

    def _array(self, program: str, *ranges: slice) -> Any:
        """What draws the triangles of these vertices."""
        index = self.context.buffer(self.mesh.triangles_of(*ranges).astype("i4").tobytes())
        used = self._programs[program]
        inputs = []
        for buffer, names in ((self._moving, ("position", "normal")), (self._still, ("uv", "rest", "occlusion"))):
            lengths = {"uv": 2, "occlusion": 1}
            layout = " ".join(f"{lengths.get(n, 3)}f" if n in used else f"{4 * lengths.get(n, 3)}x" for n in names)
            present = [n for n in names if n in used]
            if present:
                inputs.append((buffer, layout, *present))
        return self.context.vertex_array(used, inputs, index)

    def _meet(self, person: Person) -> None:
        """Make what depends on the person, once."""
        if person is self._person:
            return
        self._person = person
        self._shape = shaped(self.assets, person.identity)
        self._eye_centres = eye_centres(self.assets.neutral, self._shape)
        for texture in self._textures.values():
            texture.release()
        flat = np.broadcast_to(person.skin.base_colour(), (4, 4, 3))
        self._textures = {"skin": self._texture(flat), "eye": self._texture(person.eyes.texture())}

    def _texture(self, linear: NDArray[np.floating]) -> Any:
        """Texture of linear RGB (h, w, 3), stored as square roots."""
        coded = np.round(255 * np.sqrt(np.clip(linear, 0, 1))).astype(np.uint8)
        texture = self.context.texture((coded.shape[1], coded.shape[0]), 3, coded.tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = (self.context.LINEAR_MIPMAP_LINEAR, self.context.LINEAR)
        return texture

    def _light(self, setting: Setting) -> None:
        light, camera = setting.light, setting.camera
        for program in self._programs.values():
            set_uniforms(
                program,
                to_clip=camera.matrix(self.size).T,
                eye=camera.position(),
                lamp_direction=np.array([lamp.direction for lamp in light.lamps]),
                lamp_colour=np.array([lamp.colour for lamp in light.lamps]),
                lamp_softness=np.array([lamp.softness for lamp in light.lamps]),
                room=light.room,
                exposure=1.5,
            )

    def _prepare(self, name: str, person: Person) -> None:
        """Set what is particular to one part."""
        if name in ("face", "neck"):
            self._textures["skin"].use(0)
            set_uniforms(self._programs["skin"], oil=person.skin.oil)
        elif name in ("left", "right"):
            self._textures["eye"].use(0)
            side = 0 if name == "left" else 1
            centre = eye_centres(self.assets.neutral, self.assets.neutral)[side]
            set_uniforms(self._programs["eye"], centre=centre, straighten=np.eye(3))
        else:
            tint, wet = {"teeth": ((0.62, 0.56, 0.46), 0.6), "gums": ((0.36, 0.11, 0.10), 0.5)}.get(
                name, ((0.2, 0.05, 0.05), 0.2)
            )
            if name == "sockets":
                tint = tuple(person.skin.base_colour() * 0.8)
            set_uniforms(self._programs["mouth"], tint=tint, wet=wet, lips_z=11.2)
