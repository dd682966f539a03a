in vec3 place;
out vec4 colour;
void main() { colour = vec4(place, 1.0); }
