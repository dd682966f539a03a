"""Where head, hair and body end and the background begins: GrabCut at low resolution, begun from the generic head."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

ITERATIONS = 4
SEED = 1
HAIR_COLOURS = 4
HAIR_NEAR = 12.0  # Lab units within which a colour counts as the hair's, and over which that fades


def estimate_foreground(
    photo: NDArray[np.uint8], skull: NDArray[np.uint8], corner: tuple[int, int], step: int
) -> NDArray[np.uint8]:
    """Part a grid of cells into foreground and background (GrabCut, Rother et al. 2004).

    Args:
        photo: (H, W, 3) uint8 RGB.
        skull: (rows, columns) uint8, not 0 where the head certainly is.
        corner: (x, y) px of the grid's corner in the photo; may lie outside.
        step: px, width of a cell.

    Returns:
        (rows, columns) uint8, 255 in the foreground. Outside the photo 0.
    """
    height, width = photo.shape[:2]
    rows, columns = skull.shape
    x0, y0 = max(0, -(corner[0] // step)), max(0, -(corner[1] // step))
    x1, y1 = min(columns, (width - corner[0]) // step), min(rows, (height - corner[1]) // step)
    result = np.zeros_like(skull)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return skull.copy()
    left, top = corner[0] + x0 * step, corner[1] + y0 * step
    part = photo[top : top + (y1 - y0) * step, left : left + (x1 - x0) * step]
    small = cv2.resize(part, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    inside = (skull[y0:y1, x0:x1] > 0).astype(np.uint8)
    labels = _first_guess(inside)
    if not ((labels == cv2.GC_BGD) | (labels == cv2.GC_PR_BGD)).any() or not inside.any():
        return np.full_like(skull, 255)
    cv2.setRNGSeed(SEED)  # its clusters begin at random: the same photo shall give the same mask
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, labels, (0, 0, 1, 1), *models, ITERATIONS, cv2.GC_INIT_WITH_MASK)
    found = np.where((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    result[y0:y1, x0:x1] = _joined(found, inside)
    return result


def hair_likeness(
    photo: NDArray[np.uint8], hair: NDArray[np.bool_], corner: tuple[int, int], step: int
) -> NDArray[np.float32]:
    """How much each cell of a grid has the colours of the hair.

    Args:
        photo: (H, W, 3) uint8 RGB.
        hair: (rows, columns), where hair certainly is: around the upper half of the head.
        corner: (x, y) px of the grid's corner in the photo; may lie outside.
        step: px, width of a cell.

    Returns:
        (rows, columns) in [0, 1]. 1 everywhere when there is too little hair to tell.
    """
    rows, columns = hair.shape
    x = np.clip(corner[0] + np.arange(columns * step), 0, photo.shape[1] - 1)
    y = np.clip(corner[1] + np.arange(rows * step), 0, photo.shape[0] - 1)
    cells = cv2.resize(photo[np.ix_(y, x)], (columns, rows), interpolation=cv2.INTER_AREA)
    colours = cv2.cvtColor(cells.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    samples = np.asarray(colours, np.float32)[hair]
    if len(samples) < 8 * HAIR_COLOURS:
        return np.ones(hair.shape, np.float32)
    cv2.setRNGSeed(SEED)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, _, centres = cv2.kmeans(samples, HAIR_COLOURS, np.empty(0), criteria, 1, cv2.KMEANS_PP_CENTERS)
    away = np.linalg.norm(np.asarray(colours)[..., None, :] - np.asarray(centres), axis=-1).min(axis=-1)
    likeness: NDArray[np.float32] = np.clip(2 - away / HAIR_NEAR, 0, 1).astype(np.float32)
    return likeness


def _first_guess(inside: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """GrabCut's labels: certain within the skull, likely in a ring for hair and below it, elsewhere background."""
    rows, columns = np.nonzero(inside)
    labels = np.full(inside.shape, cv2.GC_PR_BGD, np.uint8)
    if not len(rows):
        return labels
    size = rows.max() - rows.min() + 1
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    labels[away < 0.1 * size] = cv2.GC_PR_FGD
    below = np.arange(len(inside))[:, None] > rows.max()
    beside = np.abs(np.arange(inside.shape[1])[None] - (columns.min() + columns.max()) / 2) < 0.6 * size
    labels[below & beside] = cv2.GC_PR_FGD
    labels[(away > 0.45 * size) & ~below] = cv2.GC_BGD
    core = cv2.erode(inside, np.ones((3, 3), np.uint8), iterations=max(1, int(0.04 * size)))
    labels[core > 0] = cv2.GC_FGD
    return labels


def _joined(found: NDArray[np.uint8], inside: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Only the parts of the foreground that touch the head."""
    count, parts = cv2.connectedComponents(found)
    kept = np.zeros(count, np.uint8)
    kept[np.unique(parts[inside > 0])] = 255
    kept[0] = 0
    joined: NDArray[np.uint8] = kept[parts]
    return joined
