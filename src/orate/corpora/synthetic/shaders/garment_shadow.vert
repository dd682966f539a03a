in vec3 position;
uniform mat4 to_lamp;
uniform vec4 painted;
uniform vec2 collar;
out vec2 texel;
void main() {
    texel = (position.xy - painted.xz) / (painted.yw - painted.xz);
    texel.y -= collar.y * clamp((collar.x - position.z) / 8.0, 0.0, 1.0);
    gl_Position = to_lamp * vec4(posed(position), 1.0);
}
