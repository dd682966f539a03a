in vec3 at;
in vec3 facing;
in vec3 rest_at;
in float open_sky;
uniform vec3 tint;
uniform vec3 neck_tint;     // of teeth where they meet the gums
uniform vec2 necks;         // y at rest in cm of a tooth's edge and neck
uniform float wet;
uniform float lips_z;       // cm, where the lips are at rest
uniform float gape;         // cm between the lips
out vec4 colour;

void main() {
    vec3 n = normalize(facing), v = normalize(eye - at);
    float behind = max(lips_z - rest_at.z, 0.0);
    float dark = mix(0.25, 1.0, smoothstep(0.0, 1.6, gape)) * exp(-behind * 1.05 / (0.9 + gape)) * (0.35 + 0.65 * open_sky);
    vec3 base = mix(tint, neck_tint, clamp((rest_at.y - necks.x) / (necks.y - necks.x), 0.0, 1.0));
    vec3 light = room_light(n) * 1.1, mirror = vec3(0.0);
    float k = mix(0.45, 1.0, key_light(at, n));
    for (int i = 0; i < 2; i++) {
        float arrives = i == 0 ? k : 1.0;
        light += lamp_colour[i] * lambert(dot(n, lamp_direction[i]), 0.5) * arrives;
        mirror += lamp_colour[i] * glint(n, v, lamp_direction[i], 0.26, 0.035) * arrives;
    }
    // What leaves a deep place has met red walls.
    vec3 red = pow(vec3(dark), vec3(0.85, 1.15, 1.15));
    colour = vec4(developed((base * light + wet * min(mirror, vec3(1.2)) * dark) * red), 1.0);
}
