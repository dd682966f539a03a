in vec3 position;
in vec3 tangent;
in vec2 side;
in vec2 along;
uniform mat4 to_clip;
uniform vec3 head_middle;
out vec2 spot;        // -1 to 1 across, 0 to 1 along
out float number;     // random, of the strand
out vec3 lit;         // linear RGB of hair in the middle of its darkness

// Lit at the ribbon's corners: strands overlap many times, and light changes slowly along them.
void main() {
    vec3 p = posed(position), t = turned(tangent, position.y), v = normalize(eye - p);
    vec3 at = p + normalize(cross(t, v) + 1e-5) * side.x;
    vec3 out_of_head = normalize(p - head_middle);
    vec3 n = normalize(out_of_head - t * dot(out_of_head, t) + 0.25 * v);
    float open = (0.35 + 0.65 * (1.0 - along.y)) * (0.55 + 0.45 * smoothstep(0.0, 0.4, along.x));
    vec3 base = hair_colour * (0.75 + 0.5 * fract(side.y * 91.7));
    spot = vec2(sign(side.x), along.x);
    number = side.y;
    lit = fibre(t, n, v, base, key_light_once(p, n * 3.0), open);
    gl_Position = to_clip * vec4(at, 1.0);
}
