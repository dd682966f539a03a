"""A head with the parts of ICT-FaceKit's, made of ellipsoids: what tests draw, for the model itself is not here."""

import numpy as np

from orate.corpora.synthetic import parts
from orate.corpora.synthetic.assets import LANDMARK_FILE, MESH_FILE

NAMES = "PupilDilate_L PupilDilate_R browDown_L browDown_R browInnerUp_L browInnerUp_R browOuterUp_L browOuterUp_R "
NAMES += "cheekPuff_L cheekPuff_R cheekRaiser_L cheekRaiser_R cheekSquint_L cheekSquint_R eyeBlink_L eyeBlink_R "
NAMES += "eyeLookDown_L eyeLookDown_R eyeLookIn_L eyeLookIn_R eyeLookOut_L eyeLookOut_R eyeLookUp_L eyeLookUp_R "
NAMES += "eyeSquint_L eyeSquint_R eyeWide_L eyeWide_R jawForward jawLeft jawOpen jawRight mouthClose mouthDimple_L "
NAMES += "mouthDimple_R mouthFrown_L mouthFrown_R mouthFunnel mouthLeft mouthLowerDown_L mouthLowerDown_R mouthPress_L "
NAMES += "mouthPress_R mouthPucker mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper "
NAMES += "mouthSmile_L mouthSmile_R mouthStretch_L mouthStretch_R mouthUpperUp_L mouthUpperUp_R noseSneer_L noseSneer_R"
# Part: its vertices, its ellipsoid's centre and radii in cm, its tile of the texture.
SHAPES = (
    (parts.FACE, (0, 0, 2), (7.5, 11, 10), 0),
    (parts.HEAD_AND_NECK, (0, -6, -2), (7.4, 16, 8), 1),
    (parts.MOUTH_SOCKET, (0, -3.3, 6), (3, 2, 4), 1),
    (parts.EYE_SOCKETS, (0, 3.6, 7), (3, 1, 1), 1),
    (parts.GUMS_AND_TONGUE, (0, -3.3, 6), (2.8, 1.5, 3.8), 2),
    (parts.UPPER_TEETH, (0, -2.8, 7), (2.6, 0.5, 3.4), 3),
    (parts.LOWER_TEETH, (0, -3.8, 7), (2.5, 0.5, 3.3), 3),
    (slice(21_451, 22_221), (3.1, 3.6, 8.4), (1.5, 1.5, 1.5), 0),
    (slice(22_221, 23_021), (3.1, 3.6, 8.4), (1.4, 1.4, 1.4), 0),
    (slice(23_021, 23_791), (-3.1, 3.6, 8.4), (1.5, 1.5, 1.5), 0),
    (slice(23_791, 24_591), (-3.1, 3.6, 8.4), (1.4, 1.4, 1.4), 0),
    (parts.TEAR_FILM, (0, 2.3, 9), (4, 0.1, 0.1), 4),
    (parts.EYE_BLEND, (0, 3.6, 9), (2, 0.1, 0.1), 0),
    (parts.EYE_OCCLUSION, (0, 3.6, 9), (4, 0.1, 0.1), 0),
    (parts.LASHES, (0, 4.2, 9.5), (4.5, 0.1, 0.3), 6),
)


def _ellipsoid(count, centre, radii):
    """Vertices, quads and texture coordinates of one part; what does not fill a row of the grid lies at its end."""
    columns = int(np.sqrt(count))
    rows = count // columns
    v, u = np.meshgrid(np.linspace(0.02, 0.98, rows), np.linspace(0.02, 0.98, columns), indexing="ij")
    polar, around = np.pi * v, 2 * np.pi * (u - 0.25)
    unit = np.stack([-np.sin(polar) * np.cos(around), -np.cos(polar), np.sin(polar) * np.sin(around)], axis=-1)
    vertices = (unit * radii + centre).reshape(-1, 3)
    corner = np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]], axis=-1).reshape(-1, 4)
    spare = count - len(vertices)
    uv = np.stack([u, v], axis=-1).reshape(-1, 2)
    return (
        np.concatenate([vertices, np.repeat(vertices[-1:], spare, 0)]),
        quads,
        np.concatenate([uv, uv[-1:].repeat(spare, 0)]),
    )


def write_stand_in(folder):
    """Write both files of a head into ``folder``, with a jaw, blinks and two axes of identity that do something."""
    neutral, quads, uv = [], [], []
    for part, centre, radii, tile in SHAPES:
        vertices, faces, texture = _ellipsoid(part.stop - part.start, np.array(centre, float), np.array(radii, float))
        neutral.append(vertices)
        quads.append(faces + part.start)
        uv.append(texture + np.array([tile, 0]))
    neutral = np.concatenate(neutral).astype(np.float32)
    quads = np.concatenate(quads).astype(np.int32)
    names = NAMES.split()
    identity = np.zeros((100, len(neutral), 3), np.float16)
    identity[0, :, 0], identity[1, :, 1] = 0.03 * neutral[:, 0], 0.03 * neutral[:, 1]
    expression = np.zeros((57, len(neutral), 3), np.float16)
    jaw = np.clip(-3.3 - neutral[:, 1], 0, 1) * (neutral[:, 2] > 2) * (neutral[:, 1] > -14)
    jaw[parts.LOWER_TEETH] = 1
    expression[names.index("jawOpen"), :, 1] = -2.5 * jaw
    np.savez(
        folder / MESH_FILE,
        neutral=neutral,
        identity=identity,
        expression=expression,
        exp_names=np.array(names),
        quads=quads,
        quads_uv=quads,
        uv=np.concatenate(uv).astype(np.float32),
    )
    turns = 2 * np.pi * np.arange(468) / 468
    reach = 1 + 5 * np.arange(468) / 468
    points = np.stack([reach * np.cos(turns), 1.3 * reach * np.sin(turns), np.zeros(468)], axis=1)
    irises = np.array([[side + 0.3 * dx, 3.6 + 0.3 * dy, 9] for side in (-3.1, 3.1) for dx, dy in _CROSS])
    np.save(folder / LANDMARK_FILE, np.concatenate([points, irises]).astype(np.float32))
    return folder


_CROSS = ((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1))
