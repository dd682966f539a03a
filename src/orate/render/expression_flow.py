"""Layer 1: the photo's skin and lips, moved from where they are to where the landmarks should be."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from orate.face.masks import FACE_OVAL, smoothstep
from orate.render.head import IRIS
from orate.render.lips import (
    INNER_CORNERS,
    INNER_LOWER,
    INNER_UPPER,
    LOWER_RINGS,
    UPPER_RINGS,
    down_axis,
    gaps,
    middle_line,
    openness,
    parting,
)
from orate.render.source import FaceSource
from orate.render.warping import Box, Floats, Grid, distance_inside, spread

# Lengths in cm of the head.
RADIUS = 0.12  # smoothing of the weights
STIFFNESS = 0.25  # the field may slope no faster than points this far apart tell
SPACING = 0.55  # of the grid over the face
LIP_SPACING = 0.2  # of the grid around the mouth
ANCHOR_SIDE, ANCHOR_DOWN = 1.8, 3.2  # how far outside the face's oval nothing moves: beside it, below it
JAW_DROP = 2.5  # how far the chin may come down
FADE_SIDE, FADE_DOWN = 1.5, 3.0  # over which the displacement ends, outside the face's oval with the jaw let down
BORDER_FADE = 0.6  # the picture's own border stays where it is
MOUTH_SIDE, MOUTH_UP, MOUTH_DOWN = 1.8, 2.2, 3.5  # margins of the mouth's own field around the lips
MOUTH_REACH = 2.0  # how far around its grid that field knows points
MOUTH_FADE = 0.8  # over which that field passes into the face's
CORNER_BLEND = 0.7  # beyond the corners the two lips' fields pass into each other
LIP_MARGIN = 0.09  # landmarks lie on the edge of the lip: closing lips meet this far inside
CORNER_MARGIN = 1.6  # times that next to the corners, where lips hide less
LIP_MARGIN_PX = 1.3  # at least: a cubic sample sees two pixels far
STILL_PX = 1 / 128  # cv2.remap samples at 1/32 px: less is no motion

Indices = NDArray[np.signedinteger]
Line = tuple[Indices, Indices, Floats, Floats, Floats]


class ExpressionFlow:
    """Warps a photo so that its landmarks come to lie where they are told, backwards.

    Displacements of the landmarks (irises left out) are spread by `spread` on a grid over the face, and on two finer
    ones around the mouth: one that does not know the lower lip, one that does not know the upper. The line in the
    middle of the target's inner lips chooses between them, so the edge between the lips is as sharp as the photo, open
    lips part at their own line, and closed lips hide the teeth that the photo shows. What lies between open lips is for
    the mouth's layer to draw.
    """

    def __init__(self, source: FaceSource):
        self.face, self.photo = source, source.photo
        self.height, self.width = source.photo.shape[:2]
        self.scale = source.pose.scale
        self.points = np.delete(np.arange(len(source.landmarks)), np.arange(IRIS.start, IRIS.stop))
        self.source = source.landmarks[:, :2].astype(np.float64)
        self.centre = self.source[FACE_OVAL].mean(axis=0)
        self.down = down_axis(source)
        self.right = np.array([self.down[1], -self.down[0]])
        self.facing = facing(source)[self.points]
        self._prepare_face()
        self._prepare_mouth()
        self._prepare_lips()

    def _prepare_face(self) -> None:
        """The face's grid, the anchors around it and the fade to nothing."""
        oval = self.source[FACE_OVAL]
        local = (oval - self.centre) @ np.stack([self.right, self.down]).T  # across, down
        low = smoothstep(local[:, 1] / max(local[:, 1].max(), 1e-6) * 2)
        outwards = local / np.maximum(np.linalg.norm(local, axis=1, keepdims=True), 1e-6)
        reach = (ANCHOR_SIDE + (ANCHOR_DOWN - ANCHOR_SIDE) * low)[:, None] * self.scale
        ring = local + outwards * reach
        anchors = np.concatenate([ring, 0.5 * (ring + np.roll(ring, 1, axis=0))])
        self.anchors = (anchors @ np.stack([self.right, self.down]) + self.centre).astype(np.float64)
        hull: NDArray[np.float64] = np.concatenate([oval, oval + low[:, None] * JAW_DROP * self.scale * self.down])
        self.hull = np.asarray(cv2.convexHull(hull.astype(np.float32))[:, 0], np.float32)

        margin = FADE_DOWN * self.scale
        step = max(1, round(SPACING * self.scale))
        start = np.floor(self.hull.min(axis=0) - margin).astype(int)
        cells = np.ceil((self.hull.max(axis=0) + margin - start) / step).astype(int) + 1
        self.face_grid = Grid(start, cells, step)
        places = self.face_grid.places()
        across = (places - self.centre) @ np.stack([self.right, self.down]).T
        low = smoothstep(across[:, 1] / max(local[:, 1].max(), 1e-6) * 2)
        outside = -distance_inside(self.hull, places) / self.scale
        fade = 1 - smoothstep(outside / (FADE_SIDE + (FADE_DOWN - FADE_SIDE) * low))
        shape = (cells[1], cells[0])
        fade = fade.reshape(shape).astype(np.float32)
        fade[[0, -1]] = 0
        fade[:, [0, -1]] = 0
        self.fade = fade
        self.face_places = self._local(places)
        self.border = tuple(
            smoothstep(np.minimum(np.arange(size), np.arange(size)[::-1]) / (BORDER_FADE * self.scale)).astype(
                np.float32
            )
            for size in (self.width, self.height)
        )

    def _prepare_mouth(self) -> None:
        """The mouth's grid, and for each of its pixels how much the mouth's own fields count there."""
        lips = np.concatenate([UPPER_RINGS.ravel(), LOWER_RINGS.ravel(), [61, 291]])
        axes = np.stack([self.right, self.down])
        local = (self.source[lips] - self.centre) @ axes.T
        x0, y0 = local.min(axis=0) - np.array([MOUTH_SIDE, MOUTH_UP]) * self.scale
        x1, y1 = local.max(axis=0) + np.array([MOUTH_SIDE, MOUTH_DOWN]) * self.scale
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ axes + self.centre
        step = max(2, round(LIP_SPACING * self.scale))
        start = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
        stop = np.minimum(np.ceil(corners.max(axis=0)), [self.width, self.height]).astype(int)
        cells = np.maximum(np.ceil((stop - start) / step).astype(int), 2)
        self.mouth_grid = Grid(start, cells, step)
        places = self.mouth_grid.places()
        inside = distance_inside(corners.astype(np.float32), places) / (MOUTH_FADE * self.scale)
        self.mouth_share = smoothstep(inside).reshape(cells[1], cells[0]).astype(np.float32)
        self.mouth_places = self._local(places)
        pixels = self.mouth_grid.pixels()
        local = (pixels - self.centre) @ axes.T
        shape = (cells[1] * step, cells[0] * step)
        self.across, self.below = (local[:, i].reshape(shape).astype(np.float32) for i in (0, 1))

    def _prepare_lips(self) -> None:
        """Which points each field knows, and how the photo's own lips stand."""
        lower = np.isin(self.points, LOWER_RINGS)
        upper = np.isin(self.points, UPPER_RINGS)
        every = np.concatenate([self.facing, np.ones(len(self.anchors))])
        none = np.zeros(len(self.anchors), bool)
        self.groups = np.stack([every, every * ~np.concatenate([lower, none]), every * ~np.concatenate([upper, none])])
        self.groups = self.groups.astype(np.float32)
        # The mouth's own fields need no points far from its grid.
        places = np.concatenate([self.source[self.points], self.anchors])
        grid, reach = self.mouth_grid, MOUTH_REACH * self.scale
        self.near_mouth = np.flatnonzero(((places > grid.start - reach) & (places < grid.stop + reach)).all(axis=1))
        self.mouth_groups = np.ascontiguousarray(self.groups[1:, self.near_mouth])
        self.gap, self.openness = gaps(self.face, self.source), openness(self.face)

    def __call__(self, canvas: NDArray[np.uint8], target: NDArray[np.floating]) -> Box:
        """Draw the face with its landmarks at the target into the canvas.

        Args:
            canvas: (H, W, 3) uint8; only the box is written.
            target: (478, 2) px.

        Returns:
            The box (x0, y0, x1, y1) that was drawn anew; empty when nothing moved.
        """
        target = np.asarray(target, np.float64)[:, :2]
        begin = self._lip_sources(target)
        moved = begin - target
        if np.abs(moved[self.points]).max() < STILL_PX:
            return (0, 0, 0, 0)
        points = self._local(np.concatenate([target[self.points], self.anchors]))
        displacement = np.zeros(points.shape, np.float32)
        displacement[: len(self.points)] = moved[self.points] / self.scale

        rows, columns = self.fade.shape
        face = spread(self.face_places, points, displacement, self.groups[:1], RADIUS, STIFFNESS)[0]
        face = face.reshape(rows, columns, 2) * (self.fade * self.scale)[..., None]
        box = self._moving(face)
        if box[0] >= box[2] or box[1] >= box[3]:
            return (0, 0, 0, 0)
        flow = self.face_grid.enlarge(face, box)
        line = self._part_lips(flow, self._lip_fields(points, displacement, face), target, box)
        self._quiet_border(flow, box)
        x0, y0, x1, y1 = box
        xs = flow[..., 0] + np.arange(x0, x1, dtype=np.float32)[None]
        ys = flow[..., 1] + np.arange(y0, y1, dtype=np.float32)[:, None]
        canvas[y0:y1, x0:x1] = self._sample(xs, ys)
        if line is not None:
            rows, columns, upper, lower, below = line
            above = self._sample(upper[:, None, 0], upper[:, None, 1])[:, 0].astype(np.float32)
            under = self._sample(lower[:, None, 0], lower[:, None, 1])[:, 0]
            canvas[rows, columns] = np.rint(above + below[:, None] * (under - above))
        return box

    def _lip_fields(self, points: Floats, displacement: Floats, face: Floats) -> Floats:
        """(2, rows, columns, 2) px: what the upper and the lower lip add to the face's field, on the mouth's grid."""
        near = self.near_mouth
        fields = spread(self.mouth_places, points[near], displacement[near], self.mouth_groups, RADIUS, STIFFNESS)
        rows, columns = self.mouth_share.shape
        around = self.face_grid.at(face, self.mouth_grid)
        added: Floats = self.mouth_share[..., None] * (fields.reshape(2, rows, columns, 2) * self.scale - around)
        return added

    def _part_lips(self, flow: Floats, added: Floats, target: NDArray[np.float64], outer: Box) -> Line | None:
        """Add the upper lip's field above the line between the lips and the lower's below, in place.

        On the line itself the two must not be averaged (between them lie the teeth); their colours are. Returns these
        pixels: rows, columns, (n, 2) places in the photo for the upper lip and for the lower, the lower's share.
        """
        x, y = (int(v) for v in self.mouth_grid.start)
        stop_x, stop_y = (int(v) for v in self.mouth_grid.stop)
        x0, y0, x1, y1 = max(x, outer[0]), max(y, outer[1]), min(stop_x, outer[2]), min(stop_y, outer[3])
        if x0 >= x1 or y0 >= y1:
            return None
        box = (x0, y0, x1, y1)
        region = flow[y0 - outer[1] : y1 - outer[1], x0 - outer[0] : x1 - outer[0]]
        upper, lower = (self.mouth_grid.enlarge(field, box) for field in added)
        part = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        below, between = self._below(target)
        below, between = below[part], between[part]
        rows, columns = np.nonzero(between & (below > 0) & (below < 1))
        here = region[rows, columns]
        shift = np.stack([here + upper[rows, columns], here + lower[rows, columns]])
        share = below[rows, columns]
        region += upper + below[..., None] * (lower - upper)
        rows, columns = rows + y0, columns + x0
        shift *= (self.border[0][columns] * self.border[1][rows])[:, None]
        places = shift + np.stack([columns, rows], axis=1).astype(np.float32)
        return (rows, columns, places[0], places[1], share) if len(rows) else None

    def _below(self, target: NDArray[np.float64]) -> tuple[Floats, NDArray[np.bool_]]:
        """Each pixel's share of the lower lip's field, over the mouth's box, and which lie between the corners."""
        axes = np.stack([self.right, self.down])
        line = (middle_line(target) - self.centre) @ axes.T
        u = np.maximum.accumulate(line[:, 0]) + 1e-4 * np.arange(len(line))
        height = np.interp(self.across, u, line[:, 1]).astype(np.float32)
        beyond = np.maximum(np.maximum(u[0] - self.across, self.across - u[-1]), 0) / self.scale
        width = 1 + np.minimum(beyond / CORNER_BLEND, 1) * CORNER_BLEND * self.scale
        return np.clip(0.5 + (self.below - height) / width, 0, 1).astype(np.float32), beyond <= 0

    def _lip_sources(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        """(478, 2) px: where the target's points are taken from.

        The photo's landmarks, but for the inner lips: landmarks of open lips lie on their edge, and when they close,
        the pixels that meet must come from inside the lip. Landmarks of closed lips leave a gap of noise, and when
        they open, both must begin at the one line.
        """
        source = self.face
        begin = self.source.copy()
        narrow = gaps(source, target) / np.maximum(0.6 * self.gap, 1e-6)
        margin = self.openness * (1 - smoothstep(narrow)) * max(LIP_MARGIN * self.scale, LIP_MARGIN_PX)
        margin[[0, -1]] *= CORNER_MARGIN
        parted = (1 - self.openness) * parting(source, target)[:, None]
        middle = 0.5 * (self.source[INNER_UPPER] + self.source[INNER_LOWER])
        for lip, sign in ((INNER_UPPER, -1.0), (INNER_LOWER, 1.0)):
            begin[lip] += sign * margin[:, None] * self.down + parted * (middle - self.source[lip])
        left, right = INNER_CORNERS
        along = self.source[right] - self.source[left]
        along /= max(float(np.linalg.norm(along)), 1e-6)
        begin[left] -= margin[0] * along
        begin[right] += margin[-1] * along
        return begin

    def _moving(self, face: Floats) -> Box:
        """The part of the picture in which the field on the face's grid is not zero."""
        moving = np.abs(face).max(axis=2) > STILL_PX
        ys, xs = np.flatnonzero(moving.any(axis=1)), np.flatnonzero(moving.any(axis=0))
        if not len(ys):
            return (0, 0, 0, 0)
        (x, y), step = self.face_grid.start, self.face_grid.step
        return (
            max(int(x + (xs[0] - 1) * step), 0),
            max(int(y + (ys[0] - 1) * step), 0),
            min(int(x + (xs[-1] + 2) * step), self.width),
            min(int(y + (ys[-1] + 2) * step), self.height),
        )

    def _quiet_border(self, flow: Floats, box: Box) -> None:
        """Bring a displacement over the box to zero at the picture's border, in place."""
        x0, y0, x1, y1 = box
        across, down = self.border[0][x0:x1], self.border[1][y0:y1]
        if across.min() < 1 or down.min() < 1:
            flow *= (across * down[:, None])[..., None]

    def _sample(self, xs: Floats, ys: Floats) -> NDArray[np.uint8]:
        """The photo at places (h, w), (h, w, 3); whole numbers are the pixels themselves."""
        sampled = cv2.remap(self.photo, xs, ys, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(sampled, np.uint8)

    def _local(self, places: NDArray[np.floating]) -> Floats:
        """Pixels to centimetres about the face's centre."""
        return np.asarray((places - self.centre) / self.scale, np.float32)


def facing(source: FaceSource) -> NDArray[np.float64]:
    """(478,) in [0, 1]: how much each landmark faces the viewer; 0 where it lies behind the face's silhouette."""
    shape = source.shape
    distance = ((shape[:, None] - shape[None]) ** 2).sum(axis=2)
    near = np.argsort(distance, axis=1)[:, :9]
    patches = shape[near] - shape[near].mean(axis=1, keepdims=True)
    normals = np.linalg.svd(patches)[2][:, 2]
    outwards = shape - np.array([0.0, shape[:, 1].mean(), 0.0]) - [[0.0, 0.0, 3.0]]
    normals *= np.where((normals * outwards).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    towards = -(normals @ source.pose.rotation)[:, 2]
    seen = smoothstep((towards + 0.05) / 0.25)
    lips = np.concatenate([UPPER_RINGS.ravel(), LOWER_RINGS.ravel()])
    seen[lips] = np.maximum(seen[lips], 0.5)
    weights: NDArray[np.float64] = np.maximum(seen, 1e-3)
    return weights
