in vec2 texel;
uniform sampler2D albedo;
out vec4 colour;
void main() {
    vec3 c = texture(albedo, texel).rgb;
    colour = vec4(developed(c * c * (room[4] + room[5] + lamp_colour[0] * 0.25) * 0.9), 1.0);
}
