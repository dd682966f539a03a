in vec3 at;
in vec3 facing;
in vec3 rest_at;
uniform sampler2D albedo;   // square roots of linear RGB
uniform vec3 centre;        // of the eyeball at rest
uniform mat3 straighten;    // turns the eyeball's axis to z
uniform vec3 lids[4];       // inner corner, outer corner, middle of the upper and of the lower lid's edge
uniform mat3 unturn;        // from world to the eyeball's own axes
out vec4 colour;

void main() {
    vec3 n = normalize(facing), v = normalize(eye - at);
    vec3 d = straighten * normalize(rest_at - centre);
    // Light bends at the cornea: the iris, which lies deeper, is seen shifted.
    vec3 w = straighten * (unturn * v);
    float iris = smoothstep(0.42, 0.30, length(d.xy));
    vec2 seen = d.xy - iris * 0.10 * (w.xy / max(w.z, 0.3) - d.xy);
    vec3 base = texture(albedo, seen * vec2(0.5, -0.5) + 0.5).rgb;
    base *= base;
    // Lids and lashes shade what lies behind them.
    vec3 axis = lids[1] - lids[0], middle = 0.5 * (lids[0] + lids[1]);
    float along = dot(at - middle, axis) / dot(axis, axis) * 2.0, bow = max(1.0 - along * along, 0.0);
    vec3 up = normalize(lids[2] - lids[3]);
    float top = dot(mix(middle, lids[2], bow) - at, up), bottom = dot(at - mix(middle, lids[3], bow), up);
    float shade = mix(0.30, 1.0, smoothstep(-0.05, 0.42, top)) * mix(0.65, 1.0, smoothstep(-0.05, 0.16, bottom));
    shade *= mix(0.55, 1.0, smoothstep(1.1, 0.55, abs(along)));
    vec3 light = room_light(n) * 0.85, mirror = vec3(0.0);
    float k = key_light(at, n);
    for (int i = 0; i < 3; i++) {
        float arrives = i == 0 ? k : 1.0;
        light += lamp_colour[i] * lambert(dot(n, lamp_direction[i]), 0.35) * arrives;
        mirror += lamp_colour[i] * glint(n, v, lamp_direction[i], 0.10 + 0.14 * lamp_softness[i], 0.03) * arrives;
    }
    mirror = min(mirror, vec3(2.5)) + room_light(reflect(-v, n)) * 0.035;
    colour = vec4(developed((base * light + mirror * smoothstep(0.0, 0.25, top)) * shade), 1.0);
}
