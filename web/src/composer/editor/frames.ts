/** Pictures of a video at some of its moments, drawn by the browser itself. */

export interface Film {
  seconds: number;
  ratio: number;
  /** The video at a moment; the last one that was asked for wins. */
  seek(at: number): Promise<void>;
  readonly element: HTMLVideoElement;
}

const PATIENCE_MS = 15_000;

/** Resolves after an event of the video; rejects when it cannot be played, or takes too long. */
function after(video: HTMLVideoElement, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (act: () => void): void => {
      window.clearTimeout(timer);
      video.removeEventListener(name, good);
      video.removeEventListener('error', bad);
      act();
    };
    const good = (): void => end(resolve);
    const bad = (): void => end(() => reject(new Error('This video cannot be played.')));
    const timer = window.setTimeout(bad, PATIENCE_MS);
    video.addEventListener(name, good);
    video.addEventListener('error', bad);
  });
}

/** Opens a video. Rejects where the browser does not know its format. */
export async function filmOf(url: string): Promise<Film> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.preload = 'auto';
  video.src = url;
  await after(video, 'loadeddata');
  if (video.videoWidth === 0) throw new Error('This video has no picture.');
  return {
    seconds: video.duration,
    ratio: video.videoWidth / video.videoHeight,
    element: video,
    async seek(at) {
      const sought = after(video, 'seeked');
      video.currentTime = at;
      await sought;
    },
  };
}

/** Draws what the video shows now, cut to the canvas. */
export function drawFrame(canvas: HTMLCanvasElement, { element, ratio }: Film): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const [width, height] = [element.videoWidth, element.videoHeight];
  const shape = canvas.width / canvas.height;
  const wide = ratio > shape ? height * shape : width;
  const high = ratio > shape ? height : width / shape;
  context.drawImage(
    element,
    (width - wide) / 2,
    (height - high) / 2,
    wide,
    high,
    0,
    0,
    canvas.width,
    canvas.height,
  );
}
