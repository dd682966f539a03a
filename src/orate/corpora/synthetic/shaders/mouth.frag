in vec3 at;
in vec3 facing;
in vec3 rest_at;
in float open_sky;
uniform vec3 tint;
uniform float wet;
uniform float lips_z;       // cm, where the lips are at rest
out vec4 colour;

void main() {
    vec3 n = normalize(facing), v = normalize(eye - at);
    float dark = clamp(exp((rest_at.z - lips_z) * 0.55), 0.0, 1.0) * open_sky;
    vec3 light = room_light(n), mirror = vec3(0.0);
    for (int i = 0; i < 3; i++) {
        light += lamp_colour[i] * lambert(dot(n, lamp_direction[i]), 0.4);
        mirror += lamp_colour[i] * glint(n, v, lamp_direction[i], 0.3, 0.03);
    }
    colour = vec4(developed((tint * light + wet * mirror) * dark), 1.0);
}
