"""The shaders' programs, and the values that all of them share."""

from __future__ import annotations

from typing import Any

import numpy as np

from orate.corpora.synthetic.gl import build_program
from orate.corpora.synthetic.occlusion import side_view
from orate.corpora.synthetic.pose import CHIN_Y_CM, COLLAR_Y_CM, PIVOT_CM, Pose
from orate.corpora.synthetic.scene import Person, Setting

HEAD_MIDDLE_CM = np.array([0.0, 3.0, -1.0])
MEAN_SKIN = 0.26  # luminance
SHADOW_UNIT = 3


def build_programs(context: Any) -> dict[str, Any]:
    """Every program by its name."""
    lit, hair = ("lighting.glsl",), ("lighting.glsl", "fibre.glsl")
    programs = {
        name: build_program(context, "surface.vert", f"{name}.frag", *lit) for name in ("skin", "eye", "mouth", "lash")
    }
    return programs | {
        "garment": build_program(context, "garment.vert", "garment.frag", *lit),
        "backdrop": build_program(context, "backdrop.vert", "backdrop.frag", *lit),
        "cap": build_program(context, "cap.vert", "cap.frag", *hair),
        "strand": build_program(context, "strand.vert", "strand.frag", *hair, lit_vertices=True),
        "shadow": build_program(context, "shadow.vert", "shadow.frag"),
        "garment shadow": build_program(context, "garment_shadow.vert", "garment_shadow.frag"),
        "hair shadow": build_program(context, "strand_shadow.vert", "shadow.frag"),
    }


def light_uniforms(setting: Setting, person: Person, pose: Pose, size: tuple[int, int]) -> dict[str, Any]:
    """What a frame's programs need to know of camera, lamps and pose."""
    light, camera = setting.light, setting.camera
    # Cameras open up for dark faces, but not wholly.
    brightness = float(person.skin.base_colour() @ np.array([0.2126, 0.7152, 0.0722]))
    opened = (MEAN_SKIN / max(brightness, 0.02)) ** 0.22
    rotation, shift = np.asarray(pose.rotation), np.asarray(pose.translation)
    return {
        "to_clip": camera.matrix(size).T,
        "eye": camera.position(),
        "exposure": setting.sensor.exposure * opened,
        "lamp_direction": np.array([lamp.direction for lamp in light.lamps]),
        "lamp_colour": np.array([lamp.colour for lamp in light.lamps]),
        "lamp_softness": np.array([lamp.softness for lamp in light.lamps]),
        "room": light.room,
        "to_lamp": side_view(np.array(light.lamps[0].direction)).T,
        "lamp_way": light.lamps[0].direction,
        "shadow_map": SHADOW_UNIT,
        "shadow_blur": 0.6 + 2.5 * light.lamps[0].softness,
        "head_rotation": rotation.T,
        "head_pivot": PIVOT_CM,
        "head_shift": shift,
        "head_middle": rotation @ (HEAD_MIDDLE_CM - PIVOT_CM) + PIVOT_CM + shift,
        "stiff_range": (COLLAR_Y_CM, CHIN_Y_CM),
    }
