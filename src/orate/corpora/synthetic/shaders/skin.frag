in vec3 at;
in vec3 facing;
in vec2 texel;
in vec3 rest_at;
in float open_sky;
uniform sampler2D albedo;   // square roots of linear RGB; gloss
uniform sampler2D slopes;   // of the relief along u and v
uniform float oil;
out vec4 colour;

// The normal tilted by the relief, in the frame of the texture's axes.
vec3 rough_normal(vec3 n, vec2 slope) {
    vec3 px = dFdx(at), py = dFdy(at);
    vec2 tx = dFdx(texel), ty = dFdy(texel);
    float turn = tx.x * ty.y - tx.y * ty.x;
    if (abs(turn) < 1e-12) return n;
    vec3 t = normalize((px * ty.y - py * tx.y) * sign(turn) + 1e-9), b = normalize((py * tx.x - px * ty.x) * sign(turn) + 1e-9);
    return normalize(n - t * slope.x - b * slope.y);
}

void main() {
    vec3 n = normalize(facing), v = normalize(eye - at);
    vec4 map = texture(albedo, texel);
    vec3 base = map.rgb * map.rgb;
    vec3 bumpy = rough_normal(n, texture(slopes, texel).rg);
    vec3 soft = normalize(mix(bumpy, n, 0.5));  // light spreads far in red, little in blue
    vec3 open = pow(vec3(open_sky), 1.0 - 0.55 * base);  // and bounces in hollows
    vec3 light = room_light(soft) * open, mirror = vec3(0.0);
    for (int i = 0; i < 3; i++) {
        vec3 l = lamp_direction[i];
        float s = lamp_softness[i];
        vec3 lit = vec3(lambert(dot(soft, l), 0.32 + 0.3 * s), lambert(dot(mix(soft, bumpy, 0.5), l), 0.14 + 0.3 * s),
                        lambert(dot(bumpy, l), 0.08 + 0.3 * s));
        vec3 arrives = open;
        float glance = open_sky;
        if (i == 0) {
            float k = key_light(at, n);
            arrives = mix(vec3(1.0), open, 0.4) * pow(vec3(k), vec3(0.75, 1.0, 1.1));
            glance *= k;
        }
        light += lamp_colour[i] * lit * arrives;
        float tight = 0.44 - 0.1 * oil;
        mirror += lamp_colour[i] * glance * (0.55 * glint(bumpy, v, l, tight, 0.028) + 0.45 * glint(soft, v, l, 0.6, 0.028));
    }
    float grazing = pow(1.0 - max(dot(bumpy, v), 0.0), 5.0);
    mirror += room_light(reflect(-v, bumpy)) * open_sky * open_sky * (0.02 + 0.22 * grazing);
    colour = vec4(developed(base * light + mirror * map.a * (0.35 + 0.75 * oil)), 1.0);
}
