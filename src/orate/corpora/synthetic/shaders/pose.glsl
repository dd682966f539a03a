// Moves a place of the head at rest with the head, as pose.py does on the processor.
uniform mat3 head_rotation;
uniform vec3 head_pivot;
uniform vec3 head_shift;
uniform vec2 stiff_range;   // y in cm: below the first nothing moves, above the second all

float stiffness(float y) {
    float t = clamp((y - stiff_range.x) / (stiff_range.y - stiff_range.x), 0.0, 1.0);
    return t * t * (3.0 - 2.0 * t);
}

vec3 posed(vec3 p) {
    return mix(p, head_rotation * (p - head_pivot) + head_pivot + head_shift, stiffness(p.y));
}

vec3 turned(vec3 d, float y) { return normalize(mix(d, head_rotation * d, stiffness(y))); }
