"""Make src/orate/render/data/mouth.npz from ICT-FaceKit (MIT): python tools/make_mouth.py ICT_FOLDER.

ICT_FOLDER holds ``ict_facekit_light.npz`` and ``LICENSE``. The file holds the mesh of teeth, gums and tongue, cut down
to what can be seen between lips; `orate.render.mouth_render` draws it once a photo, at the head's own angle and at the
photo's own resolution, so neither images for a grid of angles nor GL are needed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parents[1] / "src/orate/render/data"
GUMS, UPPER_TEETH, LOWER_TEETH, END = 14_062, 17_039, 19_247, 21_451  # first vertices of the parts
TONGUE = 15_980  # gums and tongue are one piece; the tongue's vertices come last
LIPS_MEET = np.array([0.0, -3.32, 11.17])  # cm in ICT's axes: where the lips touch on the neutral head
GUM, TONGUE_KIND, TOOTH = 0, 1, 2
THROAT_Z, PALATE_Y = -7.0, -0.05  # the upper piece goes on as the throat's wall: left out
CROWN_CM, ROOT_CM = 1.0, 1.15  # teeth end, root included, this far from their edges: roots show through the gums
LEVEL_DEG, TONGUE_RAISED_CM, EDGE_LOWER_CM, TEETH_APART_CM = 8.0, 0.3, 0.1, 0.05
NOTICE = """mouth.npz holds teeth, gums and tongue of the ICT-FaceKit light model
(https://github.com/ICT-VGL/ICT-FaceKit), cut and reshaped by tools/make_mouth.py; head.npz holds points and axes of the
same model. Both under the licence below.

"""


def narrow_lower_incisors(vertices: NDArray[np.float64]) -> None:
    """Give the lower front teeth the width that people's have, 0.55 to 0.6 cm; the model's are as wide as the upper."""
    side = np.abs(vertices[:, 0])
    blend = np.clip((side - 0.7) / 1.6, 0, 1)
    vertices[:, 0] *= 0.74 + 0.26 * blend * blend * (3 - 2 * blend)


def fit_behind_lips(vertices: NDArray[np.float64], jaw: NDArray[np.bool_], raised: NDArray[np.bool_]) -> None:
    """Bring the mesh to where lips and landmarks expect it.

    The arch is flattened and moved forward, for lips lie on the teeth, corners included; the tongue of a speaker lies
    higher than that of the resting model; poses fitted to FaceLandmarker's points look down by LEVEL_DEG.
    """
    vertices[jaw, 1] -= TEETH_APART_CM  # teeth do not touch behind resting lips
    vertices[raised, 1] += TONGUE_RAISED_CM * np.clip((vertices[raised, 2] + 5.0) / 1.5, 0, 1)
    vertices[:, 2] = 0.75 * vertices[:, 2] + 0.12
    cos, sin = np.cos(np.radians(LEVEL_DEG)), np.sin(np.radians(LEVEL_DEG))
    y, z = vertices[:, 1].copy(), vertices[:, 2].copy()
    vertices[:, 1], vertices[:, 2] = cos * y + sin * z, cos * z - sin * y
    vertices[:, 1] -= EDGE_LOWER_CM


def smooth_normals(vertices: NDArray[np.float64], quads: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 3) unit normals, each the mean over the quads around a vertex, by their area."""
    cross = np.cross(vertices[quads[:, 2]] - vertices[quads[:, 0]], vertices[quads[:, 3]] - vertices[quads[:, 1]])
    normals = np.zeros_like(vertices)
    for corner in range(4):
        np.add.at(normals, quads[:, corner], cross)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9))


def components(count: int, quads: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) for each vertex the lowest vertex of its piece."""
    label = np.arange(count)
    while True:
        lowest = label[quads].min(axis=1)
        following = label.copy()
        for corner in range(4):
            np.minimum.at(following, quads[:, corner], lowest)
        if np.array_equal(following, label):
            return label
        label = following


def main() -> None:
    """Read the argument, write mouth.npz and the licence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ict", type=Path)
    folder = parser.parse_args().ict
    kit = np.load(folder / "ict_facekit_light.npz")
    names = [str(name) for name in kit["exp_names"]]
    vertices = kit["neutral"][GUMS:END].astype(np.float64) - LIPS_MEET
    drop = np.linalg.norm(kit["expression"][names.index("jawOpen")][GUMS:END].astype(np.float64), axis=1)
    quads = kit["quads"].astype(np.int64) - GUMS
    quads = quads[(quads.min(axis=1) >= 0) & (quads.max(axis=1) < END - GUMS)]

    index = np.arange(len(vertices)) + GUMS
    kind = np.where(index < UPPER_TEETH, np.where(index < TONGUE, GUM, TONGUE_KIND), TOOTH)
    soft = index < UPPER_TEETH
    lower = np.where(soft, drop > drop[soft].max() / 3, index >= LOWER_TEETH)
    centre = vertices[quads].mean(axis=1)
    piece = components(len(vertices), quads)
    moved = lower & (kind != TONGUE_KIND)
    reshaped = vertices[moved]
    narrow_lower_incisors(reshaped)
    vertices[moved] = reshaped
    fit_behind_lips(vertices, lower, lower & (kind == TONGUE_KIND))
    # How far from the biting edge, 0 there, 1 at CROWN_CM and beyond: edges of teeth are translucent, necks yellower.
    crown = np.zeros(len(vertices))
    for first in np.unique(piece[kind == TOOTH]):
        tooth = piece == first
        height = vertices[tooth, 1] * np.where(lower[tooth], -1, 1)
        crown[tooth] = height - height.min()

    tooth, below = (kind[quads] == TOOTH).all(axis=1), lower[quads].mean(axis=1) > 0.5
    kept = ~(tooth & (crown[quads].max(axis=1) > ROOT_CM))
    kept &= ~(~tooth & ~below & ((centre[:, 2] < THROAT_Z) | (kind[quads] == TONGUE_KIND).any(axis=1)))
    kept &= ~(~tooth & ~below & (centre[:, 1] < PALATE_Y))
    normals = smooth_normals(vertices, quads)
    quads, below = quads[kept], below[kept]
    used = np.unique(quads)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    _, number = np.unique(piece[used], return_inverse=True)
    np.savez_compressed(
        DATA / "mouth.npz",
        vertices=vertices[used].astype(np.float16),
        normals=np.round(127 * normals[used]).astype(np.int8),
        kind=kind[used].astype(np.uint8),
        crown=np.round(255 * np.clip(crown[used] / CROWN_CM, 0, 1)).astype(np.uint8),
        piece=number.astype(np.uint8),
        triangles=np.searchsorted(used, triangles).astype(np.uint16),
        lower=np.concatenate([below, below]),
    )
    (DATA / "LICENSE-ICT.txt").write_text(NOTICE + (folder / "LICENSE").read_text())
    print(f"{len(used)} vertices, {len(triangles)} triangles, {(DATA / 'mouth.npz').stat().st_size} bytes")


if __name__ == "__main__":
    main()
