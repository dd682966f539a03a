// Light on hair: Kajiya and Kay (1989), with Marschner's two highlights (2003) as Scheuermann shifts them (2004).
uniform vec3 hair_colour;
uniform float hair_gloss;

float fibre_glint(vec3 t, vec3 h, float power) {
    float c = dot(t, h);
    return pow(sqrt(max(1.0 - c * c, 0.0)), power) * smoothstep(-1.0, 0.0, c);
}

vec3 fibre(vec3 t, vec3 n, vec3 v, vec3 base, float shadow, float open) {
    vec3 light = room_light(n) * open, mirror = vec3(0.0);
    for (int i = 0; i < 3; i++) {
        vec3 l = lamp_direction[i];
        float along = dot(t, l), arrives = i == 0 ? shadow : 1.0;
        float rough = sqrt(max(1.0 - along * along, 0.0)) * clamp(0.35 + 0.65 * dot(n, l), 0.0, 1.0);
        vec3 h = normalize(l + v);
        float lit = clamp(0.3 + dot(n, l), 0.0, 1.0);
        vec3 first = vec3(0.035) * fibre_glint(normalize(t + n * 0.08), h, 90.0);
        vec3 second = (base * 1.2 + 0.01) * fibre_glint(normalize(t - n * 0.12), h, 22.0);
        light += lamp_colour[i] * rough * arrives * open;
        mirror += lamp_colour[i] * (first + second) * lit * arrives * open;
    }
    return base * light + mirror * (0.25 + 1.1 * hair_gloss);
}
