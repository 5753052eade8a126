interface Safari {
  WebKitPlaybackTargetAvailabilityEvent?: unknown;
}

/**
 * Whether the browser's own player is the better one: on Apple's it plays to television sets and
 * spares the battery. Elsewhere it is young, and a script that feeds it does better.
 */
function playsItself(video: HTMLVideoElement): boolean {
  const known = video.canPlayType('application/vnd.apple.mpegurl') !== '';
  const own = (window as Safari).WebKitPlaybackTargetAvailabilityEvent !== undefined;
  return known && (own || !('MediaSource' in window));
}

/**
 * Plays an adaptive film from `at` seconds on; the script for it is fetched when it is needed.
 * `failed` is called once the film can not be had or played this way. Returns how to let it go.
 */
export function attach(
  video: HTMLVideoElement,
  url: string,
  at: number,
  failed: () => void,
): () => void {
  if (playsItself(video)) {
    video.src = url;
    if (at > 0) video.currentTime = at;
    return () => video.removeAttribute('src');
  }
  let end = (): void => undefined;
  let gone = false;
  async function begin() {
    const { default: Hls } = await import('hls.js');
    if (gone) return;
    if (!Hls.isSupported()) {
      failed();
      return;
    }
    const player = new Hls({
      startPosition: at > 0 ? at : -1,
      // No rung that is larger than what is seen, and no more ahead than a scrolling thumb needs.
      capLevelToPlayerSize: true,
      maxBufferLength: 12,
      maxMaxBufferLength: 30,
      backBufferLength: 20,
      enableWorker: false,
    });
    end = () => {
      player.destroy();
    };
    player.on(Hls.Events.ERROR, (_, data) => {
      if (data.fatal) failed();
    });
    player.loadSource(url);
    player.attachMedia(video);
  }
  begin().catch(() => {
    if (!gone) failed();
  });
  return () => {
    gone = true;
    end();
  };
}
