// Runs in the page before the app: reads the camera's time out of each picture as it is shown (the
// block of cells of firmware_sim/camera/timecode.py), and notes how long joining a camera took.
(() => {
  const [COLUMNS, ROWS, CELL] = [16, 4, 8];
  const [WIDTH, HEIGHT] = [COLUMNS * CELL, ROWS * CELL];
  const LEAST_CONTRAST = 60;
  const glass = { shown: [], unread: 0, clickedMs: null, answeredMs: null, firstMs: null };
  window.goldenhourGlass = glass;

  const context = new OffscreenCanvas(WIDTH, HEIGHT).getContext("2d", { willReadFrequently: true });

  const crc = (bytes) => {
    let sum = 0;
    for (const byte of bytes) {
      sum ^= byte << 8;
      for (let bit = 0; bit < 8; bit++) sum = (sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1) & 0xffff;
    }
    return sum;
  };

  /** The time in the picture, UTC milliseconds; null where there is no sound code. */
  const readTimecode = (video) => {
    context.drawImage(video, 0, 0, video.videoWidth * 0.5, video.videoHeight * 0.16, 0, 0, WIDTH, HEIGHT);
    const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
    const levels = [];
    for (let row = 0; row < ROWS; row++) {
      for (let column = 0; column < COLUMNS; column++) {
        levels.push(data[4 * ((row * CELL + CELL / 2) * WIDTH + column * CELL + CELL / 2) + 1]);
      }
    }
    const last = levels.length - 1;
    const [white, black] = [(levels[0] + levels[last]) / 2, (levels[1] + levels[last - 1]) / 2];
    if (white - black < LEAST_CONTRAST) return null;
    const bits = levels.slice(2, last - 1).map((level) => (level > (white + black) / 2 ? 1n : 0n));
    const word = bits.reduce((sum, bit) => (sum << 1n) | bit, 0n);
    const utcMs = word >> 16n;
    const bytes = [5n, 4n, 3n, 2n, 1n, 0n].map((place) => Number((utcMs >> (8n * place)) & 0xffn));
    return crc(bytes) === Number(word & 0xffffn) ? Number(utcMs) : null;
  };

  const watch = (video) => {
    const look = (_now, { expectedDisplayTime }) => {
      glass.firstMs ??= performance.now();
      const takenMs = readTimecode(video);
      if (takenMs === null) glass.unread += 1;
      else glass.shown.push([performance.timeOrigin + expectedDisplayTime, takenMs]);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  };

  const ask = window.fetch;
  window.fetch = async (...given) => {
    const answer = await ask(...given);
    const address = given[0] instanceof Request ? given[0].url : String(given[0]);
    if (address.includes("/media/whep/") && answer.status === 201) glass.answeredMs ??= performance.now();
    return answer;
  };

  const seen = new WeakSet();
  new MutationObserver(() => {
    for (const video of document.querySelectorAll("video[data-testid='video-player']")) {
      if (seen.has(video)) continue;
      seen.add(video);
      watch(video);
    }
  }).observe(document, { subtree: true, childList: true });
})();
