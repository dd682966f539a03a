in vec2 spot;
in float number;
in vec3 lit;
uniform sampler2D grain;
out vec4 colour;

void main() {
    float hairs = texture(grain, vec2(spot.x * 0.05 + number * 7.3, spot.y * 0.12 + number)).r;
    if ((1.0 - spot.x * spot.x) * (1.15 - 0.75 * spot.y) + (hairs - 0.5) * 2.0 < 0.25) discard;
    colour = vec4(developed(lit * (0.25 + 1.5 * hairs)), 1.0);
}
