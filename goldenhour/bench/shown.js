// Runs in the page before the app: notes when each live reading of vital signs is on the screen.
// A reading is on the screen when a number of its tile or the trend's count of readings has changed,
// and the next frame has begun: both are drawn from the same state in the same pass.
(() => {
  const shownMs = [];
  let waitingMs = null;
  window.goldenhourShown = { shownMs, firstLiveMs: null };
  const nowMs = () => performance.timeOrigin + performance.now();

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string" || !data.includes('"vitals"')) return;
        const said = JSON.parse(data);
        // of two readings that are drawn at once, the older one counts
        if (said.t === "record" && said.stream === "vitals" && said.lane === "live") waitingMs ??= said.captured_utc_us / 1000;
      });
    }
  };

  const isReading = ({ target, attributeName }) => {
    if (attributeName !== null) return attributeName === "data-points";
    const tile = (target.nodeType === Node.TEXT_NODE ? target.parentElement : target)?.closest?.("[data-testid^='vitals-']");
    return tile !== null && tile !== undefined && !tile.dataset.testid.endsWith("-age");
  };
  new MutationObserver((changes) => {
    if (window.goldenhourShown.firstLiveMs === null && document.querySelector("[data-testid='vitals-heart_rate_bpm'][data-age='live']")) {
      requestAnimationFrame(() => { window.goldenhourShown.firstLiveMs = performance.now(); });
    }
    if (waitingMs === null || !changes.some(isReading)) return;
    const capturedMs = waitingMs;
    waitingMs = null;
    requestAnimationFrame(() => { shownMs.push(nowMs() - capturedMs); });
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["data-age", "data-points"] });
})();
