in vec3 at;
in vec3 facing;
in vec3 rest_at;
in float open_sky;
uniform sampler2D albedo;   // square roots of linear RGB
uniform vec3 centre;        // of the eyeball at rest
uniform mat3 straighten;    // turns the eyeball's axis to z
out vec4 colour;

void main() {
    vec3 n = normalize(facing), v = normalize(eye - at);
    vec3 d = straighten * normalize(rest_at - centre);
    vec3 base = texture(albedo, d.xy * vec2(0.5, -0.5) + 0.5).rgb;
    base *= base;
    vec3 light = room_light(n) * open_sky, mirror = vec3(0.0);
    for (int i = 0; i < 3; i++) {
        light += lamp_colour[i] * lambert(dot(n, lamp_direction[i]), 0.5);
        mirror += lamp_colour[i] * glint(n, v, lamp_direction[i], 0.12, 0.03);
    }
    colour = vec4(developed(base * light + min(mirror, vec3(2.0))), 1.0);
}
