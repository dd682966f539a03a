in vec2 texel;
in vec3 rest_at;
uniform vec3 tint;
out vec4 colour;

// The mesh has six sheets of lashes an eye, one above the other in the texture: u runs round the eye, v from the root.
void main() {
    float sheet = floor((0.9965 - texel.y) / 0.166), t = (0.988 - texel.y - sheet * 0.166) / 0.14;
    float place = texel.x * 95.0 + sheet * 0.37, hair = fract(place), number = floor(place);
    float reach = 0.65 + 0.35 * fract(sin(number * 12.9 + sheet * 4.1) * 43758.5);
    if (rest_at.y < 3.45) reach *= 0.42;
    float half_width = 0.30 * (1.0 - t / reach), blurred = clamp(fwidth(place) - 0.4, 0.0, 1.0);
    float sharp = smoothstep(half_width, half_width - 0.15, abs(hair - 0.5));
    float cover = t < reach ? mix(sharp, 2.0 * half_width * 0.8, blurred) : 0.0;
    if (cover < 0.04) discard;
    vec3 light = room_light(vec3(0.0, 0.0, 1.0)) + lamp_colour[0] * 0.3;
    colour = vec4(developed(tint * light), cover * 0.85);
}
