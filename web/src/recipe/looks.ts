import type { LookName } from './recipe';

export type Triple = readonly [number, number, number];

/** Rec. 709, on encoded values, as image editors do. */
export const LUMA: Triple = [0.2126, 0.7152, 0.0722];

/** What the steps of a look are told in `tintype.codecs.looks`. */
export interface Look {
  saturation: number;
  gamma: Triple;
  contrast: number;
  dark: Triple;
  light: Triple;
  floor: number;
  ceiling: number;
}

const NEUTRAL: Look = {
  saturation: 1,
  gamma: [1, 1, 1],
  contrast: 0,
  dark: [0, 0, 0],
  light: [0, 0, 0],
  floor: 0,
  ceiling: 1,
};

const look = (steps: Partial<Look>): Look => ({ ...NEUTRAL, ...steps });

/** Every look by its name. */
export const LOOKS: Record<LookName, Look> = {
  ember: look({
    saturation: 1.12,
    gamma: [0.92, 1, 1.1],
    contrast: 0.25,
    light: [0.04, 0.01, -0.05],
  }),
  harbour: look({
    saturation: 0.9,
    contrast: 0.3,
    dark: [-0.03, 0.02, 0.07],
    light: [0.04, 0.02, -0.03],
  }),
  linen: look({
    saturation: 0.82,
    gamma: [0.9, 0.92, 0.95],
    dark: [0.03, 0.02, 0],
    floor: 0.07,
    ceiling: 0.97,
  }),
  meadow: look({
    saturation: 1.2,
    gamma: [1.02, 0.93, 1.05],
    contrast: 0.15,
    light: [0, 0.03, -0.02],
  }),
  midnight: look({
    saturation: 0.75,
    gamma: [1.18, 1.1, 0.98],
    contrast: 0.35,
    dark: [0, 0.01, 0.06],
  }),
  silver: look({ saturation: 0, contrast: 0.2, light: [0.01, 0.01, 0.02] }),
  ink: look({ saturation: 0, gamma: [1.1, 1.1, 1.1], contrast: 0.8 }),
  apricot: look({
    saturation: 1.05,
    gamma: [0.88, 0.97, 1.06],
    dark: [0.05, 0, 0.02],
    floor: 0.04,
  }),
  polar: look({
    saturation: 0.85,
    gamma: [1.06, 0.99, 0.9],
    contrast: 0.1,
    light: [-0.03, 0, 0.03],
  }),
  canyon: look({
    saturation: 1.15,
    contrast: 0.35,
    dark: [0.03, -0.01, -0.03],
    light: [0.05, 0.02, -0.04],
  }),
  orchid: look({ gamma: [0.94, 1.04, 0.94], dark: [0.04, -0.01, 0.05], floor: 0.03 }),
  tintype: look({
    saturation: 0,
    gamma: [1.05, 1.05, 1.05],
    contrast: 0.45,
    dark: [0.03, 0.02, 0],
    light: [0.03, 0, -0.06],
    floor: 0.05,
    ceiling: 0.95,
  }),
};
