in vec3 at;
in vec3 facing;
in vec2 texel;
in float lower;        // in the painting's units
uniform sampler2D albedo;
out vec4 colour;
void main() {
    // Behind the neck the collar lies higher than in front: it is cut as if the place were lower.
    if (texture(albedo, texel - vec2(0.0, lower)).a < 0.5) discard;
    vec4 map = texture(albedo, texel);
    vec3 n = normalize(facing), v = normalize(eye - at);
    vec3 base = map.rgb * map.rgb;
    float open = smoothstep(-5.0, -17.0, at.y) * 0.5 + 0.5;
    vec3 light = room_light(n) * open;
    float k = key_light(at, n);
    for (int i = 0; i < 3; i++)
        light += lamp_colour[i] * lambert(dot(n, lamp_direction[i]), 0.25) * (i == 0 ? k : open);
    float grazing = pow(1.0 - max(dot(n, v), 0.0), 4.0);
    colour = vec4(developed(base * light * (1.0 + 0.6 * grazing)), 1.0);
}
