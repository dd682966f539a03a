in vec2 uv;
in vec3 rest;
out vec3 place;
void main() {
    place = rest;
    gl_Position = vec4(uv * 2.0 - 1.0, 0.0, 1.0);
}
