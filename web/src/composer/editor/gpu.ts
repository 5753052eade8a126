import { cubeOf, GRID } from '../../recipe/cube';
import { toSource, type Size } from '../../recipe/geometry';
import { blends, type Recipe } from '../../recipe/recipe';
import { COLOURS, SHARPENING, VERTEX } from './shaders';

/** Draws photos as recipes leave them, on a graphics card. */
export class Gpu {
  readonly #gl: WebGL2RenderingContext;
  readonly #colours: WebGLProgram;
  readonly #sharpening: WebGLProgram;
  readonly #photo: WebGLTexture;
  readonly #cube: WebGLTexture;
  readonly #seen: WebGLTexture;
  readonly #aside: WebGLFramebuffer;
  #cubed = '';

  /** Throws where the canvas has no such card to draw on. */
  constructor(canvas: HTMLCanvasElement, photo: HTMLCanvasElement) {
    const gl = canvas.getContext('webgl2', { premultipliedAlpha: false, antialias: false });
    if (!gl) throw new Error('This browser has no WebGL 2.');
    this.#gl = gl;
    this.#colours = program(gl, COLOURS);
    this.#sharpening = program(gl, SHARPENING);
    this.#aside = gl.createFramebuffer();
    this.#photo = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.#photo);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, photo);
    gl.generateMipmap(gl.TEXTURE_2D);
    edged(gl, gl.TEXTURE_2D, gl.LINEAR_MIPMAP_LINEAR);
    this.#cube = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_3D, this.#cube);
    edged(gl, gl.TEXTURE_3D, gl.LINEAR);
    this.#seen = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.#seen);
    edged(gl, gl.TEXTURE_2D, gl.NEAREST);
  }

  draw(recipe: Recipe, { width, height }: Size): void {
    const gl = this.#gl;
    const { canvas } = gl;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    const sharp = recipe.sharpen > 0;
    if (sharp) this.#drawAside({ width, height });
    else gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.#recolour(recipe, width / height);
    if (!sharp) return;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.useProgram(this.#sharpening);
    this.#bind(gl.TEXTURE_2D, this.#seen, 0);
    gl.uniform1i(this.#at(this.#sharpening, 'seen'), 0);
    gl.uniform1f(this.#at(this.#sharpening, 'amount'), recipe.sharpen);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  release(): void {
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext();
  }

  #recolour(recipe: Recipe, ratio: number): void {
    const gl = this.#gl;
    const at = (name: string) => this.#at(this.#colours, name);
    const corner = toSource(recipe, { x: 0, y: 0 });
    const across = toSource(recipe, { x: 1, y: 0 });
    const down = toSource(recipe, { x: 0, y: 1 });
    gl.useProgram(this.#colours);
    this.#bind(gl.TEXTURE_2D, this.#photo, 0);
    gl.uniform1i(at('photo'), 0);
    this.#bind(gl.TEXTURE_3D, this.#cube, 1);
    gl.uniform1i(at('cube'), 1);
    this.#fill(recipe);
    gl.uniform2f(at('corner'), corner.x, corner.y);
    gl.uniform2f(at('across'), across.x - corner.x, across.y - corner.y);
    gl.uniform2f(at('down'), down.x - corner.x, down.y - corner.y);
    const { brightness, contrast, highlights, shadows } = recipe;
    gl.uniform4f(at('bend'), 2 ** -brightness, contrast, highlights, shadows);
    gl.uniform1i(at('blends'), Number(blends(recipe)));
    gl.uniform1f(at('ratio'), ratio * ratio);
    gl.uniform1f(at('vignette'), recipe.vignette);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Gives the cube its colours, unless it has them. */
  #fill(recipe: Recipe): void {
    const { look, strength, saturation, warmth, tint, fade } = recipe;
    const wanted = [look, strength, saturation, warmth, tint, fade].join();
    if (wanted === this.#cubed) return;
    this.#cubed = wanted;
    const gl = this.#gl;
    const size = [GRID, GRID, GRID] as const;
    gl.texImage3D(gl.TEXTURE_3D, 0, gl.RGB16F, ...size, 0, gl.RGB, gl.FLOAT, cubeOf(recipe));
  }

  #drawAside({ width, height }: Size): void {
    const gl = this.#gl;
    this.#bind(gl.TEXTURE_2D, this.#seen, 0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#aside);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.#seen, 0);
  }

  #bind(kind: number, texture: WebGLTexture, unit: number): void {
    this.#gl.activeTexture(this.#gl.TEXTURE0 + unit);
    this.#gl.bindTexture(kind, texture);
  }

  #at(program: WebGLProgram, name: string): WebGLUniformLocation | null {
    return this.#gl.getUniformLocation(program, name);
  }
}

/** Between its samples a texture is mixed; beyond its edges lies what lies on them. */
function edged(gl: WebGL2RenderingContext, kind: number, smaller: number): void {
  const larger = smaller === gl.NEAREST ? gl.NEAREST : gl.LINEAR;
  gl.texParameteri(kind, gl.TEXTURE_MIN_FILTER, smaller);
  gl.texParameteri(kind, gl.TEXTURE_MAG_FILTER, larger);
  for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R]) {
    gl.texParameteri(kind, axis, gl.CLAMP_TO_EDGE);
  }
}

function program(gl: WebGL2RenderingContext, fragment: string): WebGLProgram {
  const made = gl.createProgram();
  for (const [kind, text] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error('This browser has no WebGL 2.');
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(made) ?? 'A shader was refused.');
  }
  return made;
}
