"""Cumulative probability of blur detection (CPBD): the share of edges on which no blur is seen.

Narvekar, Karam: A No-Reference Image Blur Metric Based on the Cumulative Probability of Blur Detection (CPBD), IEEE
Transactions on Image Processing 20 (9), 2011. On an edge of width w in a block whose just noticeable width is w_JNB,
blur is noticed with the probability

    P = 1 - exp(-(w / w_JNB)^beta),  beta = 3.6

and CPBD is the share of edges with P at most P_JNB = 63%, its value where w = w_JNB. As published programs do:
widths along the rows, at vertical edges found with Sobel's operator (Marziliano et al. 2002); blocks of 64 x 64 that
are edge blocks by Canny's detector; what is left at the picture's right and bottom does not count. A crop of 128 x 96
therefore has two blocks, the 64 columns at its left. Which edges are found depends on a threshold that the paper does
not give; it is that of the Python package cpbd (1.0), whose values these are.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import canny

BLOCK_PX = 64
MIN_EDGE_SHARE = 0.002  # of a block's pixels, for it to count as an edge block
BETA = 3.6
P_JNB_PERCENT = 63
LOW_CONTRAST = 50  # grey levels in a block, largest less smallest: up to this, blur is harder to see
WIDTH_JNB_LOW, WIDTH_JNB = 5.0, 3.0
MAX_RUN_PX = 100
SOBEL_SCALE = 2.0  # edges: where the squared response is above this many times its root mean


find_edges: Callable[[NDArray[np.float64]], NDArray[np.bool_]] = canny  # scikit-image has no annotations


def cpbd(video: NDArray[np.uint8]) -> float:
    """Mean over the frames of a video, (time, height, width, 3) uint8, at least 64 x 64: in [0, 1], 1 for sharp."""
    return float(np.mean([picture_cpbd(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in video]))


def picture_cpbd(grey: NDArray[np.uint8]) -> float:
    """CPBD of one grey picture, (height, width) uint8, at least 64 x 64; 0 when it has no edges."""
    picture = grey.astype(np.float64)
    widths = edge_widths(picture)
    edges = find_edges(picture)
    sharp = total = 0
    for top in range(0, grey.shape[0] - BLOCK_PX + 1, BLOCK_PX):
        for left in range(0, grey.shape[1] - BLOCK_PX + 1, BLOCK_PX):
            block = np.s_[top : top + BLOCK_PX, left : left + BLOCK_PX]
            if np.count_nonzero(edges[block]) <= MIN_EDGE_SHARE * BLOCK_PX**2:
                continue
            found = widths[block][widths[block] > 0]
            noticeable = WIDTH_JNB_LOW if np.ptp(picture[block]) <= LOW_CONTRAST else WIDTH_JNB
            probability = 1 - np.exp(-((found / noticeable) ** BETA))
            sharp += int(np.count_nonzero(np.rint(100 * probability) <= P_JNB_PERCENT))
            total += len(found)
    return sharp / total if total else 0.0


def edge_widths(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Width in px of each vertical edge along its row, 0 where there is none: (height, width) of such a grey picture.

    From the edge the grey falls, or rises, to the nearest extremum on either side.
    """
    down, across = np.gradient(picture)
    level = np.abs(down) <= np.tan(np.pi / 8) * np.abs(across)  # the gradient runs along the row
    level |= across == 0  # published programs leave these at an angle of 0
    rising, falling = _steps(picture)
    widths = np.where(across >= 0, _around(rising), _around(falling))
    widths[~(level & _vertical_edges(picture))] = 0
    widths[:, [0, -1]] = 0
    widths[[0, -1]] = 0
    return widths


def _steps(picture: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the grey rises, and whether it falls, from each column to the next: (height, width - 1)."""
    difference = np.diff(picture, axis=1)
    return difference > 0, difference < 0


def _around(steps: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each pixel, the length of the runs of steps beyond its two neighbours, and the two steps to these."""
    height, count = steps.shape
    left, right = np.zeros((2, height, count + 1))  # steps in a row that end, or begin, at the column
    for column in range(1, count + 1):
        left[:, column] = np.where(steps[:, column - 1], left[:, column - 1] + 1, 0)
    for column in range(count - 1, -1, -1):
        right[:, column] = np.where(steps[:, column], right[:, column + 1] + 1, 0)
    widths = np.full((height, count + 1), 2.0)
    widths[:, 1:] += np.minimum(left[:, :-1], MAX_RUN_PX)
    widths[:, :-1] += np.minimum(right[:, 1:], MAX_RUN_PX)
    return widths


def _vertical_edges(picture: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where Sobel's response to vertical edges is strong, and a maximum along the row or along the column."""
    strength = cv2.Sobel(picture, cv2.CV_64F, 1, 0, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REFLECT) ** 2
    strength[strength <= SOBEL_SCALE * np.sqrt(strength.mean())] = 0
    padded = np.pad(strength, 1)
    row_maxima = (strength > padded[1:-1, :-2]) & (strength > padded[1:-1, 2:])
    column_maxima = (strength > padded[:-2, 1:-1]) & (strength > padded[2:, 1:-1])
    edges: NDArray[np.bool_] = row_maxima | column_maxima
    return edges
