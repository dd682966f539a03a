"""Draws people offscreen, with moderngl."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orate.corpora.synthetic import parts
from orate.corpora.synthetic.backdrop import Backdrop
from orate.corpora.synthetic.canvas import Canvas
from orate.corpora.synthetic.chart import grain
from orate.corpora.synthetic.eyes import axis_rotation, eye_centres, gaze_rotation
from orate.corpora.synthetic.gl import make_texture, open_context, set_uniforms
from orate.corpora.synthetic.head_buffers import HeadBuffers
from orate.corpora.synthetic.identity import expressed, shaped, teeth_shifts
from orate.corpora.synthetic.person_buffers import PersonBuffers
from orate.corpora.synthetic.pose import PIVOT_CM, Pose, neck_stiffness
from orate.corpora.synthetic.programs import SHADOW_UNIT, build_programs, light_uniforms
from orate.corpora.synthetic.scene import Assets, Person, Setting

Array = NDArray[np.float32]
SMALL_CHART, LARGE_CHART, SMALL_PX = 512, 1024, 160  # texels a side of the skin's maps; px of height
STRAIGHT_AHEAD = np.zeros(2)
LIDS = ((362, 263, 386, 374), (133, 33, 159, 145))  # corners, upper and lower edge of the left and right eye
LIPS = (13, 14)
WHOLE = np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)], np.float32)


class HeadRenderer:
    """Renders people of one size of picture; not to be shared between threads.

    On one machine and driver the same inputs give the same bytes; drivers differ in their last bits.
    """

    def __init__(self, assets: Assets, size: tuple[int, int] = (256, 256)):
        """Open OpenGL and load the mesh; ``size`` is (height, width) px. OrateError where OpenGL cannot be had."""
        self.assets, self.size = assets, size
        self.context = open_context()
        self._canvas = Canvas(self.context, size)
        self._programs = build_programs(self.context)
        self._head = HeadBuffers(self.context, assets)
        self.chart = self._head.chart(SMALL_CHART if size[0] <= SMALL_PX else LARGE_CHART)
        self._grain = make_texture(self.context, grain())
        self._stiffness = neck_stiffness(assets.neutral)
        self._teeth_shift, self._jaw_shift = teeth_shifts(assets)
        tongue = slice(parts.TONGUE_FROM, parts.GUMS_AND_TONGUE.stop)
        self._draws = {
            "face": self._array("skin", parts.FACE),
            "neck": self._array("skin", parts.HEAD_AND_NECK),
            "socket": self._array("mouth", parts.MOUTH_SOCKET),
            "lids": self._array("mouth", parts.EYE_SOCKETS),
            "gums": self._array("mouth", slice(parts.GUMS_AND_TONGUE.start, tongue.start)),
            "tongue": self._array("mouth", tongue),
            "upper teeth": self._array("mouth", parts.UPPER_TEETH),
            "lower teeth": self._array("mouth", parts.LOWER_TEETH),
            "left": self._array("eye", parts.CORNEAS[0]),
            "right": self._array("eye", parts.CORNEAS[1]),
        }
        self._lashes = self._array("lash", parts.LASHES)
        self._casting = self._array("shadow", parts.SKIN, *parts.EYEBALLS)
        self._screen = self.context.vertex_array(
            self._programs["backdrop"], [(self.context.buffer(WHOLE.tobytes()), "2f", "corner")]
        )
        self._eye_axes = [axis_rotation(assets.neutral, side) for side in (0, 1)]
        self._rest_centres = eye_centres(assets.neutral, assets.neutral)
        self._person: Person | None = None
        self._looks: PersonBuffers | None = None
        self._shape, self._eye_centres = assets.neutral, self._rest_centres
        self._backdrop: Backdrop | None = None
        self._backdrop_texture: Any = None

    def render(
        self,
        person: Person,
        setting: Setting,
        expression: NDArray[np.floating],
        pose: Pose | None = None,
        gaze: NDArray[np.floating] = STRAIGHT_AHEAD,
        frame: int = 0,
    ) -> NDArray[np.uint8]:
        """One picture (height, width, 3) uint8 RGB.

        Args:
            person: kept from call to call as long as it is the same object.
            setting: light, background, camera.
            expression: (57,) weights in the order of ``assets.expression_names``, 0 to 1.
            pose: of the head, default at rest.
            gaze: (2,) degrees that the eyes turn to the image's right and up, from straight ahead of the head.
            frame: number of the frame, for the sensor's noise.
        """
        self._meet(person)
        assert self._looks is not None  # noqa: S101  (for mypy: _meet has just made it)
        pose = pose or Pose()
        vertices = self.vertices(person, expression, pose, gaze)
        self._head.place(vertices)
        for program in self._programs.values():
            set_uniforms(program, **light_uniforms(setting, person, pose, self.size))
        self.context.enable(self.context.DEPTH_TEST)
        self._canvas.begin_shadow()
        self._casting.render()
        self._looks.textures["garment"].use(0)
        self._looks.garment_shadow.render()
        self._looks.hair.cast()
        self._canvas.begin_picture()
        self._canvas.shadow_map.use(SHADOW_UNIT)
        # From the front to the back: what is hidden is not shaded.
        self._grain.use(0)
        self._looks.hair.draw(self._programs)
        self._looks.textures["garment"].use(0)
        self._looks.garment.render()
        points = self.assets.landmarks.points(vertices)
        gape = float(np.linalg.norm(points[LIPS[0]] - points[LIPS[1]]))
        self.context.enable(self.context.CULL_FACE)
        for name, array in self._draws.items():
            if gape < 0.05 and name in ("gums", "tongue", "upper teeth", "lower teeth"):
                continue
            self._prepare(name, person, points, gape, pose, gaze)
            array.render()
        self.context.disable(self.context.CULL_FACE)
        self._draw_lashes(person)
        self._draw_backdrop(setting.backdrop)
        return setting.sensor.capture(self._canvas.read(), frame)

    def close(self) -> None:
        """Give the graphics card's memory back; the renderer cannot be used any more."""
        self.context.release()

    def vertices(
        self,
        person: Person,
        expression: NDArray[np.floating],
        pose: Pose | None = None,
        gaze: NDArray[np.floating] = STRAIGHT_AHEAD,
    ) -> Array:
        """(26719, 3) cm in world space."""
        self._meet(person)
        vertices = expressed(self.assets, self._shape, person.rest + np.asarray(expression, np.float32))
        vertices += self._teeth_shift * person.teeth_low[0] + self._jaw_shift * person.teeth_low[1]
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
        return self._head.drawn_by(self._programs[program], *ranges)

    def _meet(self, person: Person) -> None:
        """Make what depends on the person, once."""
        if person is self._person:
            return
        if self._looks:
            self._looks.release()
        self._shape = shaped(self.assets, person.identity)
        self._eye_centres = eye_centres(self.assets.neutral, self._shape)
        self._looks = PersonBuffers(
            self.context, self._programs, self._head.mesh, self.assets.neutral, self._shape, person, self.chart
        )
        self._person = person

    def _draw_backdrop(self, backdrop: Backdrop) -> None:
        if backdrop != self._backdrop:
            if self._backdrop_texture is not None:
                self._backdrop_texture.release()
            self._backdrop, self._backdrop_texture = backdrop, make_texture(self.context, backdrop.picture())
        self._backdrop_texture.use(0)
        self._screen.render(self.context.TRIANGLE_STRIP)

    def _draw_lashes(self, person: Person) -> None:
        self.context.enable(self.context.BLEND)
        set_uniforms(self._programs["lash"], tint=np.array(person.hair.colour) * 0.25)
        self._lashes.render()
        self.context.disable(self.context.BLEND)

    def _prepare(
        self, name: str, person: Person, points: Array, gape: float, pose: Pose, gaze: NDArray[np.floating]
    ) -> None:
        """Set what is particular to one part."""
        assert self._looks is not None  # noqa: S101  (as above)
        if name in ("face", "neck"):
            self._looks.textures[name].use(0)
            self._looks.textures[f"{name} relief"].use(1)
            set_uniforms(self._programs["skin"], oil=person.skin.oil, albedo=0, slopes=1)
        elif name in ("left", "right"):
            self._looks.textures["eye"].use(0)
            side = 0 if name == "left" else 1
            unturn = (np.asarray(pose.rotation) @ gaze_rotation(gaze)).T
            set_uniforms(
                self._programs["eye"],
                centre=self._rest_centres[side],
                straighten=self._eye_axes[side].T,
                unturn=unturn.T,
                lids=points[list(LIDS[side])],
            )
        else:
            skin, tooth = person.skin.base_colour(), np.array(person.teeth)
            tint, neck, necks, wet = {
                "socket": ((0.24, 0.055, 0.05), (0.24, 0.055, 0.05), (0.0, 1.0), 0.15),
                "lids": (skin * np.array([0.95, 0.7, 0.65]), skin * 0.9, (0.0, 1.0), 0.1),
                "gums": ((0.36, 0.115, 0.11), (0.36, 0.115, 0.11), (0.0, 1.0), 0.4),
                "tongue": ((0.40, 0.14, 0.13), (0.36, 0.12, 0.11), (0.0, 1.0), 0.25),
                "upper teeth": (tooth, tooth * np.array([0.92, 0.82, 0.66]), (-3.3, -2.2), 0.5),
                "lower teeth": (tooth, tooth * np.array([0.92, 0.82, 0.66]), (-3.2, -4.2), 0.5),
            }[name]
            lips = 30.0 if name == "lids" else 10.9
            set_uniforms(
                self._programs["mouth"],
                tint=np.asarray(tint), neck_tint=np.asarray(neck), necks=necks, wet=wet,
                lips_z=lips if name != "lids" else -30.0, gape=gape if name != "lids" else 3.0,
            )  # fmt: skip
