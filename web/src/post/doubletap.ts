const WITHIN_MS = 280;
const WITHIN_PX = 28;

/** Calls back with the place of a double tap, relative to the element. */
export function doubleTap(act: (x: number, y: number) => void) {
  return (element: HTMLElement) => {
    let at = 0;
    let x = 0;
    let y = 0;
    const tap = (event: MouseEvent) => {
      if (event.target instanceof Element && event.target.closest('[data-no-like]')) return;
      const near = Math.hypot(event.clientX - x, event.clientY - y) < WITHIN_PX;
      if (event.timeStamp - at < WITHIN_MS && near) {
        const box = element.getBoundingClientRect();
        act(event.clientX - box.left, event.clientY - box.top);
        at = 0;
        return;
      }
      at = event.timeStamp;
      x = event.clientX;
      y = event.clientY;
    };
    element.addEventListener('click', tap);
    return () => element.removeEventListener('click', tap);
  };
}
