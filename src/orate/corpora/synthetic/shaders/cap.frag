in vec3 at;
in vec3 facing;
in vec3 way;
in vec3 rest_at;
in float dense;
in float place;
uniform sampler2D grain;
uniform float height;      // 0 at the skin, 1 at the hair's outside
uniform float streaks;     // 1 combed, 0 a crop's points
out vec4 colour;

void main() {
    float lines = texture(grain, vec2(place * 0.11, dot(rest_at, way) * 0.012)).r;
    float fine = texture(grain, vec2(place * 0.43, dot(rest_at, way) * 0.03)).g;
    vec2 flat_at = rest_at.xy + rest_at.z * vec2(0.7, 0.5);
    float points = 0.5 * texture(grain, flat_at * 0.17).b + 0.5 * texture(grain, flat_at * 0.13).a;
    float hairs = mix(points, 0.5 * lines + 0.5 * fine, streaks);
    float edge = smoothstep(0.12, 0.75, dense + (hairs - 0.5) * 0.9);
    if (mix(edge * (hairs + 0.75 - 0.75 * height), edge * 2.0, streaks) < 0.42) discard;
    vec3 n = normalize(facing), v = normalize(eye - at);
    vec3 t = normalize(way + (hairs - 0.5) * 0.4 * cross(n, way));
    vec3 bumpy = normalize(n + (lines - 0.5) * 0.5 * streaks * cross(n, way));
    vec3 base = hair_colour * (0.5 + hairs);
    float open = mix(0.55 + 0.45 * height, 0.7, streaks);
    colour = vec4(developed(fibre(t, bumpy, v, base, key_light_once(at, n * 2.0), open)), 1.0);
}
