"""Which vertices of ICT-FaceKit's head are what, and where a few of its features lie."""

from __future__ import annotations

from typing import Final

VERTICES: Final = 26_719
IDENTITY_AXES: Final = 100
EXPRESSION_AXES: Final = 57
LANDMARKS: Final = 478

# The person's left is at x > 0.
FACE: Final = slice(0, 9_409)
HEAD_AND_NECK: Final = slice(9_409, 11_248)
MOUTH_SOCKET: Final = slice(11_248, 13_294)
EYE_SOCKETS: Final = slice(13_294, 14_062)
GUMS_AND_TONGUE: Final = slice(14_062, 17_039)
UPPER_TEETH: Final = slice(17_039, 19_247)
LOWER_TEETH: Final = slice(19_247, 21_451)
LEFT_EYEBALL: Final = slice(21_451, 23_021)
RIGHT_EYEBALL: Final = slice(23_021, 24_591)
TEAR_FILM: Final = slice(24_591, 24_999)
EYE_BLEND: Final = slice(24_999, 25_047)
EYE_OCCLUSION: Final = slice(25_047, 25_351)
LASHES: Final = slice(25_351, 26_719)

TONGUE_FROM: Final = 15_980  # gums and tongue are one part; the tongue's vertices come last
IRISES: Final = slice(468, 478)  # landmarks of the irises
CORNEAS: Final = (slice(21_451, 22_221), slice(23_021, 23_791))  # the eyeballs' outer shells
EYEBALLS: Final = (LEFT_EYEBALL, RIGHT_EYEBALL)
SKIN: Final = slice(FACE.start, HEAD_AND_NECK.stop)
