import { SHARPEN, VIGNETTE } from '../../recipe/finish';
import { GRID } from '../../recipe/cube';
import { REACH } from '../../recipe/tone';

const float = (value: number): string => value.toFixed(6);

/** One triangle that covers everything; `place` runs from the upper left corner to (1, 1). */
export const VERTEX = `#version 300 es
out vec2 place;
void main() {
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  place = vec2(corner.x + 1.0, 1.0 - corner.y) / 2.0;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

/** Colours and vignette. A little sharper than the smaller copies of the photo would be. */
export const COLOURS = `#version 300 es
precision highp float;
precision highp sampler3D;
uniform sampler2D photo;
uniform sampler3D cube;
uniform vec2 corner;
uniform vec2 across;
uniform vec2 down;
uniform vec4 bend;
uniform bool blends;
uniform float ratio;
uniform float vignette;
in vec2 place;
out vec4 colour;

vec3 bent(vec3 value) {
  vec3 v = pow(value, vec3(bend.x));
  v += bend.y * (v * v * (3.0 - 2.0 * v) - v);
  vec3 rest = 1.0 - v;
  vec3 lift = bend.z * v * v * rest + bend.w * v * rest * rest;
  return clamp(v + ${float(REACH)} * lift, 0.0, 1.0);
}

void main() {
  vec4 seen = texture(photo, corner + place.x * across + place.y * down, -0.7);
  vec3 v = bent(seen.rgb);
  if (blends) v = texture(cube, (v * ${float(GRID - 1)} + 0.5) / ${float(GRID)}).rgb;
  vec2 off = place * 2.0 - 1.0;
  float squared = (off.x * off.x * ratio + off.y * off.y) / (ratio + 1.0);
  colour = vec4(v * (1.0 - ${float(VIGNETTE)} * vignette * squared * squared), seen.a);
}`;

/** Unsharp masking with the neighbours; beyond an edge lies what lies on it. */
export const SHARPENING = `#version 300 es
precision highp float;
uniform sampler2D seen;
uniform float amount;
out vec4 colour;

void main() {
  ivec2 last = textureSize(seen, 0) - 1;
  ivec2 here = ivec2(gl_FragCoord.xy);
  vec3 blurred = vec3(0.0);
  for (int y = -1; y <= 1; y++) {
    for (int x = -1; x <= 1; x++) {
      float weight = float((2 - abs(x)) * (2 - abs(y))) / 16.0;
      blurred += weight * texelFetch(seen, clamp(here + ivec2(x, y), ivec2(0), last), 0).rgb;
    }
  }
  vec4 v = texelFetch(seen, here, 0);
  colour = vec4(clamp(v.rgb + ${float(SHARPEN)} * amount * (v.rgb - blurred), 0.0, 1.0), v.a);
}`;
