"""Outdoors: mountains, lakes, the sea, dunes, northern lights."""

from __future__ import annotations

import msgspec
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
    skyline,
    soft,
)


class Light(msgspec.Struct, frozen=True):
    """An hour of the day in colours."""

    zenith: Colour
    sky: Colour
    horizon: Colour
    sun: Colour
    cloud: Colour
    near: Colour


_SNOW_LINE = 0.35
_HOURS = (
    Light((0.10, 0.16, 0.38), (0.55, 0.36, 0.50), (0.99, 0.66, 0.42), (1.0, 0.86, 0.6),
          (1.0, 0.62, 0.52), (0.06, 0.06, 0.12)),
    Light((0.20, 0.42, 0.74), (0.48, 0.69, 0.90), (0.88, 0.93, 0.96), (1.0, 0.98, 0.9),
          (1.0, 1.0, 1.0), (0.08, 0.16, 0.12)),
    Light((0.24, 0.22, 0.42), (0.72, 0.50, 0.62), (1.0, 0.80, 0.70), (1.0, 0.9, 0.8),
          (1.0, 0.80, 0.78), (0.14, 0.10, 0.20)),
    Light((0.16, 0.34, 0.42), (0.46, 0.66, 0.66), (0.96, 0.88, 0.70), (1.0, 0.95, 0.8),
          (0.98, 0.94, 0.86), (0.05, 0.12, 0.12)),
    Light((0.03, 0.05, 0.14), (0.10, 0.14, 0.32), (0.36, 0.34, 0.52), (0.9, 0.92, 1.0),
          (0.32, 0.34, 0.5), (0.01, 0.02, 0.05)),
)  # fmt: skip


def hour(rng: np.random.Generator) -> Light:
    return _HOURS[int(rng.integers(len(_HOURS)))]


def sky(rng: np.random.Generator, height: int, width: int, light: Light, horizon: float) -> Canvas:
    """A sky down to ``horizon`` (a share of the height), with a low sun and drifting clouds."""
    stops = [(0.0, light.zenith), (horizon * 0.6, light.sky), (horizon, light.horizon)]
    canvas = gradient(height, width, stops)
    y, x = plane(height, width)
    sun_y = (horizon - rng.uniform(0.08, 0.3) - 0.5) * height / min(height, width)
    sun_x = rng.uniform(-0.3, 0.3) * width / min(height, width)
    away = np.hypot(y - sun_y, x - sun_x)
    canvas = glow(canvas, light.sun, 0.55 * np.exp(-((away / 0.28) ** 2)))
    drift = clouds(rng, height, width, 3, stretch=3.2)
    cover = np.clip((drift - rng.uniform(0.42, 0.6)) * 3.2, 0, 0.9)
    canvas = lay(canvas, light.cloud, (cover * np.linspace(1, 0.35, height)[:, None]))
    return glow(canvas, light.sun, soft(away - 0.038, 0.012) + 0.4 * np.exp(-((away / 0.08) ** 2)))


def mountains(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Ridges fading into haze, snow on the far ones, firs on the nearest."""
    light = hour(rng)
    canvas = sky(rng, height, width, light, 0.62)
    rows = np.arange(height, dtype=np.float32)[:, None]
    rock = clouds(rng, height, width, 6)
    count = int(rng.integers(4, 7))
    for layer in range(count):
        near = (layer + 1) / count
        crags = skyline(rng, width, 2 + 2 * near, 6 if near < 1 else 4)
        top = height * (0.36 + 0.46 * near - (0.24 - 0.14 * near) * crags)
        depth = (rows - top[None, :]) / height
        mask = soft(-depth, 2 / height)
        colour = mix(mix(light.horizon, light.sky, 0.5), light.near, near**0.8)
        lit = np.clip(0.72 + 0.6 * (rock - 0.5) + 0.5 * _slope(top), 0.4, 1.35)
        face = np.asarray(colour, dtype=np.float32) * lit[:, :, None]
        mist = np.clip(depth * 2.2, 0, 0.55) * (1 - near)
        canvas = lay(canvas, lay(face, light.horizon, mist), mask)
        if layer < 2:  # noqa: PLR2004 - the two farthest ridges are the high ones
            snow = soft(depth - 0.05 - 0.12 * (rock - 0.35), 0.03) * mask * (crags > _SNOW_LINE)
            canvas = lay(canvas, mix(light.cloud, (1, 1, 1), 0.5), (0.75 * snow))
    return _firs(canvas, rng, light)


def lake(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Mountains, and below the shore the same again, trembling."""
    shore = int(height * 0.58)
    above = mountains(rng, int(shore * 1.12), width)[:shore]
    deep = height - shore
    rows = np.arange(deep, dtype=np.float32)
    ripple = noise(rng, deep, width, (deep / 5, 9)) - 0.5
    reach = (rows / deep * 0.6 + 0.4)[:, None]
    source = np.clip(shore - 1 - rows[:, None] * 0.95 - ripple * 26 * reach, 0, shore - 1)
    water = above[source.astype(int), np.arange(width)[None, :]]
    dim = np.asarray((0.62, 0.70, 0.76), dtype=np.float32)
    glints = np.clip((ripple - 0.30) * 3, 0, 0.25)
    return np.concatenate([above, glow(water * dim, (0.9, 0.95, 1.0), glints)])


def sea(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A horizon, a glittering path towards the sun, and waves that widen towards the viewer."""
    light = hour(rng)
    level = rng.uniform(0.45, 0.6)
    canvas = sky(rng, height, width, light, level)
    start = int(height * level)
    deep = height - start
    near = np.linspace(0, 1, deep, dtype=np.float32)[:, None]
    tint = gradient(deep, width, [(0, mix(light.horizon, light.zenith, 0.35)), (1, light.near)])
    rows = (np.log1p(near * 40) / np.log(41) * (deep * 3 - 1)).astype(int)[:, 0]
    waves = clouds(rng, deep * 3, width, 40, stretch=7)[rows]
    tint = tint * (0.72 + 0.7 * waves[:, :, None])
    _, x = plane(deep, width)
    path = np.exp(-((x / (0.10 + 0.35 * near)) ** 2)) * np.clip((waves - 0.55) * 4, 0, 1)
    canvas[start:] = glow(tint, light.sun, (0.85 * path))
    foam = np.clip((waves - 0.82) * 5, 0, 0.7) * near
    canvas[start:] = lay(canvas[start:], mix(light.cloud, (1, 1, 1), 0.4), foam)
    return canvas


def dunes(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Sand in long curves: a lit side, a shadow side, wind ripples."""
    light = _HOURS[int(rng.integers(3))]
    canvas = sky(rng, height, width, light, 0.5)
    rows = np.arange(height, dtype=np.float32)[:, None]
    sunny, shady = (0.93, 0.67, 0.42), (0.42, 0.22, 0.20)
    for layer in range(4):
        near = (layer + 1) / 4
        crest = height * (0.4 + 0.42 * near - 0.16 * skyline(rng, width, 1.5, 2))
        depth = (rows - crest[None, :]) / height
        edge = 0.12 * np.sin(np.linspace(0, 9, width) + rng.uniform(0, 6)) + 0.06
        shadow = soft(depth - np.abs(edge)[None, :] - 0.03, 0.05)
        ripples = 0.5 + 0.5 * np.sin(
            depth * (300 - 160 * near) + 6 * noise(rng, height, width, (4, 6))
        )
        sand = np.asarray(mix(sunny, light.horizon, 0.45 * (1 - near)), dtype=np.float32)
        face = sand * (0.86 + 0.16 * ripples * near + 0.1 * _slope(crest))[:, :, None]
        face = lay(face, mix(shady, light.sky, 0.4 * (1 - near)), 0.78 * shadow)
        canvas = lay(canvas, face, soft(-depth, 1.5 / height))
    return canvas


def aurora(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """Curtains of light over a dark ridge, under stars."""
    canvas = gradient(height, width, [(0, (0.01, 0.02, 0.08)), (0.8, (0.05, 0.12, 0.2))])
    stars = rng.random((height, width), dtype=np.float32)
    canvas = glow(canvas, (1, 1, 1), np.clip((stars - 0.9985) * 700, 0, 1))
    rows = np.arange(height, dtype=np.float32)[:, None]
    for colour in ((0.15, 0.95, 0.55), (0.35, 0.5, 0.95), (0.75, 0.25, 0.8)):
        foot = height * (0.38 + 0.3 * skyline(rng, width, 2, 3))
        rise = (foot[None, :] - rows) / height
        rays = 0.35 + 0.65 * noise(rng, height, width, (2, 60)) * noise(rng, height, width, (1, 9))
        curtain = np.where(rise > 0, np.exp(-rise * 5.5), np.exp(rise * 45)) * rays
        canvas = glow(canvas, colour, (0.8 * curtain))
    crest = height * (0.86 - 0.12 * skyline(rng, width, 3, 6))
    canvas = lay(canvas, (0.01, 0.02, 0.03), soft(crest[None, :] - rows, 2))
    return _firs(canvas, rng, _HOURS[-1])


def _slope(line: Mask) -> Mask:
    """How much a ridge faces the light, column by column, roughly −1 to 1."""
    rise = np.gradient(line.astype(np.float32))
    return np.clip(-rise / 2, -1, 1)[None, :]


def _firs(canvas: Canvas, rng: np.random.Generator, light: Light) -> Canvas:
    """A ragged line of conifers along the lower edge."""
    height, width = canvas.shape[:2]
    tops = np.full(width, height, dtype=np.float32)
    columns = np.arange(width)
    for _ in range(int(rng.integers(14, 46))):
        foot = rng.uniform(0.98, 1.1) * height
        tall = rng.uniform(0.06, 0.2) * height
        centre, half = rng.uniform(0, width), tall * rng.uniform(0.16, 0.24)
        across = np.abs(columns - centre) / half
        jags = 0.05 * tall * np.abs(np.sin(across * 17 + centre))
        top = foot - tall * (1 - across) + jags
        tops = np.where(across < 1, np.minimum(tops, top), tops)
    rows = np.arange(height, dtype=np.float32)[:, None]
    return lay(canvas, mix(light.near, (0, 0, 0), 0.55), soft(tops[None, :] - rows, 1.5))
