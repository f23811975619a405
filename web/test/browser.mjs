// What a page finds in a browser and a test does not; to be imported before the page's own modules.

globalThis.BroadcastChannel = undefined; // an open channel would keep the test from ending
globalThis.sessionStorage = new (class {
  #values = new Map();
  getItem = (key) => this.#values.get(key) ?? null;
  setItem = (key, value) => void this.#values.set(key, value);
  removeItem = (key) => void this.#values.delete(key);
})();
