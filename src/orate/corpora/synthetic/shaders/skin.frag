in vec3 at;
in vec3 facing;
in vec2 texel;
in vec3 rest_at;
in float open_sky;
uniform sampler2D albedo;   // square roots of linear RGB
uniform float oil;
out vec4 colour;

void main() {
    vec3 n = normalize(facing), v = normalize(eye - at);
    vec3 base = texture(albedo, texel).rgb;
    base *= base;
    vec3 light = room_light(n) * open_sky, mirror = vec3(0.0);
    for (int i = 0; i < 3; i++) {
        light += lamp_colour[i] * lambert(dot(n, lamp_direction[i]), lamp_softness[i]);
        mirror += lamp_colour[i] * glint(n, v, lamp_direction[i], 0.45, 0.028);
    }
    colour = vec4(developed(base * light + mirror * open_sky * (0.4 + oil)), 1.0);
}
