// Runs in the page before the app: notes when each live reading of vital signs is on the screen.
// A reading counts when it changes a number that is shown; then the moment is the next frame.
(() => {
  const shownMs = [];
  let waiting = null;
  window.goldenhourShown = { shownMs, firstLiveMs: null };
  const nowMs = () => performance.timeOrigin + performance.now();

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string" || !data.includes('"vitals"')) return;
        const said = JSON.parse(data);
        if (said.t === "record" && said.stream === "vitals" && said.lane === "live") waiting = said.captured_utc_us / 1000;
      });
    }
  };

  const isNumber = (node) => {
    const tile = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.("[data-testid^='vitals-']");
    return tile !== null && tile !== undefined && !tile.dataset.testid.endsWith("-age");
  };
  new MutationObserver((changes) => {
    if (window.goldenhourShown.firstLiveMs === null && document.querySelector("[data-testid='vitals-heart_rate_bpm'][data-age='live']")) {
      requestAnimationFrame(() => { window.goldenhourShown.firstLiveMs = performance.now(); });
    }
    if (waiting === null || !changes.some(({ target }) => isNumber(target))) return;
    const capturedMs = waiting;
    waiting = null;
    requestAnimationFrame(() => { shownMs.push(nowMs() - capturedMs); });
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["data-age"] });
})();
