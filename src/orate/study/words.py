"""What people read before they take part, unless the operator gives other words."""

from __future__ import annotations

TITLE = "Real or fake?"
CONSENT = (
    "You will watch short clips of people speaking, with sound. Half of them are real recordings. The others are fake: "
    "a computer generated them from one picture and the sound. After each clip you say which you think it is. It takes "
    "about five minutes, and at the end you see how often you were right.",
    "What is kept: your answers, how long each took, how often you played a clip, when you began and finished, and a "
    "random number that stands for you. No name, no address, and nothing else about you or your device. A cookie holds "
    "that number, so that you can go on after a break.",
    "Taking part is voluntary. You can stop at any time, and delete your answers with one button. The answers are used "
    "to find out how well people tell generated faces from real ones, and may be published as figures and tables.",
)
