in vec3 position;
in vec3 normal;
uniform mat4 to_clip;
uniform vec4 painted;   // x and y in cm that the painting covers
out vec3 at;
out vec3 facing;
uniform vec2 collar;    // z in cm where the collar begins to rise to the back, and how far it rises
out vec2 texel;
out float lower;
void main() {
    at = posed(position);
    facing = turned(normal, position.y);
    lower = collar.y * clamp((collar.x - position.z) / 8.0, 0.0, 1.0);
    texel = (position.xy - painted.xz) / (painted.yw - painted.xz);
    gl_Position = to_clip * vec4(at, 1.0);
}
