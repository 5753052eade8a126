"""Indoors and close up: portraits, flowers, city lights out of focus, ink in water."""

from __future__ import annotations

import numpy as np

from tintype.codecs.scenes.canvas import (
    Canvas,
    Colour,
    Mask,
    clouds,
    glow,
    gradient,
    lay,
    mix,
    noise,
    plane,
    soft,
)

_INKS: tuple[tuple[Colour, ...], ...] = (
    ((0.05, 0.07, 0.16), (0.16, 0.28, 0.52), (0.94, 0.56, 0.40), (0.99, 0.90, 0.78)),
    ((0.10, 0.05, 0.12), (0.52, 0.12, 0.36), (0.96, 0.48, 0.44), (1.0, 0.86, 0.66)),
    ((0.02, 0.10, 0.12), (0.05, 0.40, 0.42), (0.52, 0.80, 0.66), (0.97, 0.96, 0.84)),
    ((0.14, 0.10, 0.08), (0.52, 0.34, 0.20), (0.86, 0.70, 0.46), (0.97, 0.94, 0.88)),
)
_LAMPS: tuple[Colour, ...] = (
    (1.0, 0.72, 0.36), (1.0, 0.5, 0.3), (0.5, 0.75, 1.0), (1.0, 0.88, 0.62), (0.95, 0.4, 0.62),
)  # fmt: skip
_SKINS: tuple[Colour, ...] = (
    (0.96, 0.80, 0.69), (0.87, 0.66, 0.51), (0.72, 0.50, 0.36), (0.50, 0.33, 0.23),
    (0.35, 0.23, 0.17),
)  # fmt: skip
_HAIRS: tuple[Colour, ...] = (
    (0.09, 0.07, 0.07), (0.24, 0.14, 0.09), (0.44, 0.26, 0.13), (0.72, 0.54, 0.30),
    (0.55, 0.54, 0.55), (0.46, 0.18, 0.12),
)  # fmt: skip


def ink(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Colour drifting in water: noise bent by noise, toned from dark to pale."""
    inks = _INKS[int(rng.integers(len(_INKS)))]
    field = clouds(rng, height, width, 3)
    rows, columns = np.mgrid[0:height, 0:width]
    bend_y = (clouds(rng, height, width, 2) - 0.5) * height * 0.55
    bend_x = (clouds(rng, height, width, 2) - 0.5) * width * 0.55
    bent = field[
        np.clip(rows + bend_y, 0, height - 1).astype(int),
        np.clip(columns + bend_x, 0, width - 1).astype(int),
    ]
    veins = 0.5 + 0.5 * np.sin(bent * 22)
    tone = np.clip(bent * 0.85 + 0.15 * veins, 0, 1)
    stops = np.linspace(0, 1, len(inks))
    bands = [np.interp(tone, stops, [each[band] for each in inks]) for band in range(3)]
    return np.stack(bands, axis=2).astype(np.float32)


def bokeh(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A city at night, out of focus: discs of light over deep blue."""
    canvas = gradient(height, width, [(0, (0.02, 0.03, 0.09)), (1, (0.10, 0.07, 0.14))])
    canvas = glow(canvas, (0.5, 0.3, 0.3), 0.35 * clouds(rng, height, width, 2))
    return _discs(canvas, rng, int(rng.integers(50, 90)), (0.015, 0.075))


def portrait(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A painted card: somebody in front of a soft wall or a garden, lit from the side."""
    wall = _INKS[int(rng.integers(len(_INKS)))]
    canvas = gradient(height, width, [(0, mix(wall[1], wall[2], 0.3)), (1, wall[1])])
    canvas = lay(canvas, wall[2], 0.5 * clouds(rng, height, width, 2))
    canvas = _discs(canvas, rng, int(rng.integers(4, 22)), (0.03, 0.09), 0.25)
    y, x = plane(height, width)
    y = y - 0.02 - 0.1 * (height > width)
    skin = _SKINS[int(rng.integers(len(_SKINS)))]
    hair = _HAIRS[int(rng.integers(len(_HAIRS)))]
    side = -1.0 if rng.random() < 0.5 else 1.0  # noqa: PLR2004 - an even choice
    long_hair = rng.uniform(0.02, 0.42)
    strands = 0.8 + 0.4 * noise(rng, height, width, (6, 90))
    back = _ellipse(y + 0.10 - long_hair / 2, x, 0.235 + long_hair / 2, 0.205)
    canvas = _shape(canvas, hair, back, strands * (0.85 + 0.5 * side * x))
    cloth = mix(wall[3], wall[0], rng.uniform(0.1, 0.9))
    shoulders = _ellipse(y - 0.56, x, 0.32, 0.40)
    folds = 0.82 + 0.3 * noise(rng, height, width, (5, 14)) + 0.5 * side * x
    canvas = _shape(canvas, cloth, shoulders, folds)
    shading = 0.92 + 0.75 * side * x - 0.12 * y
    canvas = _shape(canvas, mix(skin, (0, 0, 0), 0.12), _ellipse(y - 0.2, x, 0.14, 0.075), shading)
    canvas = _shape(canvas, skin, _ellipse(y + 0.06, x, 0.205, 0.152), shading)
    canvas = _face(canvas, y, x, skin, hair)
    fringe = np.maximum(
        _ellipse(y + 0.19, x - 0.03 * side, 0.115, 0.172),
        y + 0.115 + rng.uniform(0.1, 0.5) * side * x,
    )
    return _shape(canvas, hair, fringe, strands * (0.95 + 0.6 * side * x))


def flower(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A blossom close up, petals in rings, in front of green that is out of focus."""
    green = [(0.0, (0.18, 0.30, 0.16)), (1.0, (0.06, 0.16, 0.10))]
    canvas = gradient(height, width, [*green])
    canvas = lay(canvas, (0.46, 0.60, 0.28), 0.7 * clouds(rng, height, width, 2))
    canvas = _discs(canvas, rng, 14, (0.05, 0.13), 0.16)
    y, x = plane(height, width)
    y, x = y - rng.uniform(-0.05, 0.05), x - rng.uniform(-0.06, 0.06)
    tones = _INKS[int(rng.integers(2))]
    inner, outer = mix(tones[1], tones[2], 0.55), mix(tones[2], tones[3], rng.uniform(0.2, 0.9))
    petals, turn = int(rng.integers(7, 14)), rng.uniform(0, 6)
    radius, angle = np.hypot(y, x), np.arctan2(y, x)
    for ring in range(4):
        size = 0.44 - 0.085 * ring
        phase = (angle * petals / 2 + turn + ring * 0.8) % np.pi
        across = np.abs(phase - np.pi / 2) / (np.pi / 2)
        edge = size * (0.45 + 0.55 * np.sqrt(np.clip(1 - across**2.2, 0, 1)))
        along = np.clip(radius / size, 0, 1)
        veins = 0.93 + 0.07 * np.sin(across * 40)
        light = (0.55 + 0.55 * along) * (1 - 0.35 * across**3) * veins
        petal = np.stack(
            [(i + (o - i) * along) * light for i, o in zip(inner, outer, strict=True)], 2
        )
        canvas = lay(canvas, (0.05, 0.03, 0.05), 0.35 * soft(radius - edge - 0.012, 0.05))
        canvas = lay(canvas, petal, soft((radius - edge), 0.006))
    seeds = 0.7 + 0.5 * noise(rng, height, width, (110, 110 * width / height))
    return _shape(canvas, (0.86, 0.62, 0.14), (radius - 0.085), seeds - radius * 2)


def _discs(
    canvas: Canvas,
    rng: np.random.Generator,
    count: int,
    sizes: tuple[float, float],
    strength: float = 0.55,
) -> Canvas:
    height, width = canvas.shape[:2]
    y, x = plane(height, width)
    for _ in range(count):
        centre_y = rng.uniform(float(y.min()), float(y.max()))
        centre_x = rng.uniform(float(x.min()), float(x.max()))
        size = rng.uniform(*sizes)
        away = np.hypot(y - centre_y, x - centre_x)
        disc = soft(away - size, size * 0.25) * (0.7 + 0.3 * np.clip(away / size, 0, 1))
        lamp = _LAMPS[int(rng.integers(len(_LAMPS)))]
        canvas = glow(canvas, lamp, (rng.uniform(0.25, 1) * strength * disc))
    return canvas


def _face(canvas: Canvas, y: Mask, x: Mask, skin: Colour, hair: Colour) -> Canvas:
    """Closed eyes, brows, a nose in shadow, a mouth, a little blush."""
    blush = np.exp(-(((np.abs(x) - 0.085) / 0.04) ** 2) - ((y + 0.01) / 0.03) ** 2)
    canvas = lay(canvas, mix(skin, (0.9, 0.3, 0.3), 0.4), (0.5 * blush))
    lashes = np.abs(y + 0.062 + 0.6 * (np.abs(x) - 0.062) ** 2 * 12) - 0.003
    eyes = np.maximum(lashes, np.abs(np.abs(x) - 0.062) - 0.03)
    canvas = lay(canvas, mix(hair, (0, 0, 0), 0.4), soft(eyes, 0.006))
    brow_line = np.abs(y + 0.108 - 4 * (np.abs(x) - 0.062) ** 2) - 0.005
    brows = np.maximum(brow_line, np.abs(np.abs(x) - 0.062) - 0.036)
    canvas = lay(canvas, hair, 0.8 * soft(brows, 0.008))
    nose = np.maximum(np.abs(x - 0.012) - 0.003, np.abs(y + 0.02) - 0.035)
    canvas = lay(canvas, mix(skin, (0.3, 0.1, 0.1), 0.4), 0.6 * soft(nose, 0.012))
    mouth = np.maximum(np.abs(y - 0.058 + 5 * x * x) - 0.007, np.abs(x) - 0.042)
    return lay(canvas, mix(skin, (0.75, 0.15, 0.2), 0.6), soft(mouth, 0.007))


def _ellipse(y: Mask, x: Mask, tall: float, wide: float) -> Mask:
    """Signed distance, roughly: negative inside."""
    distance: Mask = (np.hypot(y / tall, x / wide) - 1) * min(tall, wide)
    return distance


def _shape(canvas: Canvas, colour: Colour, distance: Mask, shading: Mask) -> Canvas:
    face = np.asarray(colour, dtype=np.float32) * np.clip(shading, 0.25, 1.4)[:, :, None]
    return lay(canvas, face, soft(distance, 0.008))
