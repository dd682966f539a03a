in vec3 position;
in vec3 normal;
in vec2 uv;
in vec3 rest;
in float occlusion;
uniform mat4 to_clip;
out vec3 at;
out vec3 facing;
out vec2 texel;
out vec3 rest_at;
out float open_sky;

void main() {
    at = position;
    facing = normal;
    texel = uv;
    rest_at = rest;
    open_sky = occlusion;
    gl_Position = to_clip * vec4(position, 1.0);
}
