in vec3 position;
in vec3 normal;
in vec3 comb;
in float cover;
in float across;
uniform mat4 to_clip;
out vec3 at;
out vec3 facing;
out vec3 way;
out vec3 rest_at;
out float dense;
out float place;

void main() {
    at = posed(position);
    facing = turned(normal, position.y);
    way = turned(comb, position.y);
    rest_at = position;
    dense = cover;
    place = across;
    gl_Position = to_clip * vec4(at, 1.0);
}
