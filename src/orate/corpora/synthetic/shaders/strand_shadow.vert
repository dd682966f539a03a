in vec3 position;
in vec3 tangent;
in vec2 side;
uniform mat4 to_lamp;
uniform vec3 lamp_way;

void main() {
    vec3 p = posed(position);
    vec3 across = normalize(cross(turned(tangent, position.y), lamp_way) + 1e-5);
    gl_Position = to_lamp * vec4(p + across * side.x * 0.7, 1.0);
}
