in vec2 texel;
uniform sampler2D albedo;
void main() { if (texture(albedo, texel).a < 0.5) discard; }
