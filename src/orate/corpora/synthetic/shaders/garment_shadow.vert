in vec3 position;
uniform mat4 to_lamp;
void main() { gl_Position = to_lamp * vec4(posed(position), 1.0); }
