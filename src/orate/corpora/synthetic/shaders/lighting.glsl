// Lamps, the room's light, shadow and the camera's curve. Directions are in world space, colours linear.
uniform vec3 lamp_direction[3];
uniform vec3 lamp_colour[3];
uniform float lamp_softness[3];
uniform vec3 room[6];
uniform vec3 eye;
uniform float exposure;

vec3 room_light(vec3 n) {
    vec3 q = n * n;
    return q.x * (n.x > 0.0 ? room[0] : room[1]) + q.y * (n.y > 0.0 ? room[2] : room[3])
         + q.z * (n.z > 0.0 ? room[4] : room[5]);
}

// Light that falls on a rough surface, reaching `wrap` beyond the terminator (energy kept roughly).
float lambert(float cosine, float wrap) {
    return clamp((cosine + wrap) / ((1.0 + wrap) * (1.0 + wrap)), 0.0, 1.0);
}

// Microfacet mirror (GGX with Schlick's Fresnel term and Smith's visibility), times pi as lamps are irradiances.
float glint(vec3 n, vec3 v, vec3 l, float roughness, float f0) {
    vec3 h = normalize(v + l);
    float nl = max(dot(n, l), 0.0), nv = max(dot(n, v), 1e-3), nh = max(dot(n, h), 0.0), vh = max(dot(v, h), 0.0);
    float a = roughness * roughness, a2 = a * a;
    float d = nh * nh * (a2 - 1.0) + 1.0;
    float k = a * 0.5;
    float shape = a2 / max(d * d, 1e-5) / (4.0 * (nl * (1.0 - k) + k) * (nv * (1.0 - k) + k));
    float fresnel = f0 + (1.0 - f0) * pow(1.0 - vh, 5.0);
    return shape * fresnel * nl;
}

// A film-like shoulder, then the sRGB curve.
vec3 developed(vec3 linear) {
    vec3 x = max(linear * exposure, 0.0);
    x = x * (1.0 + x * 0.06) / (1.0 + x * 0.35) ;
    x = clamp(x, 0.0, 1.0);
    return mix(12.92 * x, 1.055 * pow(x, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, x));
}

uniform mat4 to_lamp;
uniform sampler2DShadow shadow_map;
uniform float shadow_blur;  // texels

// Share of the key lamp's light that arrives, by comparing depths at four places (each already between four texels).
float key_light(vec3 place, vec3 n) {
    vec3 seen = (to_lamp * vec4(place + n * 0.12, 1.0)).xyz * 0.5 + 0.5;
    seen.z -= 0.002;
    vec2 texel = shadow_blur / vec2(textureSize(shadow_map, 0));
    float total = 0.0;
    for (int i = 0; i < 4; i++) {
        vec2 step = vec2(i < 2 ? -0.4 : 0.4, i % 2 == 0 ? -0.9 : 0.9);
        total += texture(shadow_map, vec3(seen.xy + (i < 2 ? step : step.yx) * texel, seen.z));
    }
    return total / 4.0;
}

// The same by one comparison.
float key_light_once(vec3 place, vec3 n) {
    vec3 seen = (to_lamp * vec4(place + n * 0.12, 1.0)).xyz * 0.5 + 0.5;
    return texture(shadow_map, vec3(seen.xy, seen.z - 0.002));
}
