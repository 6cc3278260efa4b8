"use strict";
// Gateline's only script: fresh pages without reloading, and keys. Every page works without it.
(() => {
  const RENEW_MS_MIN = 500;
  const main = () => document.querySelector("main");
  const watched = () => (main().dataset.watch ?? "").split(" ");
  const tell = (word) => { const live = document.getElementById("live"); if (live) live.textContent = word; };

  // ---- fresh pages: an event that concerns the page, or the page's own pace, fetches it again ----
  let busy = false, again = false, renewed = 0, timer;

  async function renew() {
    if (busy) { again = true; return; }
    busy = true;
    again = false;
    renewed = Date.now();
    try {
      const reply = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (reply.redirected) { location.reload(); return; }
      if (reply.ok) exchange(new DOMParser().parseFromString(await reply.text(), "text/html"));
    } catch {
      tell("○ not connected");
    } finally {
      busy = false;
      pace();
      if (again) soon();
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(renew, Math.max(0, renewed + RENEW_MS_MIN - Date.now()));
  }

  function pace() {
    clearTimeout(timer);
    const every = Number(main().dataset.every);
    if (every && !document.hidden) timer = setTimeout(renew, every * 1000);
  }

  // Only <main> changes. What a person opened stays open; a form in use stays as it is, with what it asked.
  function exchange(page) {
    const old = main(), fresh = page.querySelector("main");
    if (!fresh) return;
    const focus = document.activeElement, scroll = [scrollX, scrollY];
    for (const details of old.querySelectorAll("details[open][id]")) {
      const twin = fresh.querySelector("#" + CSS.escape(details.id));
      if (!twin) continue;
      if (details.classList.contains("act")) twin.replaceWith(details);
      else twin.open = true;
    }
    for (const kept of old.querySelectorAll("[data-keep]")) {
      if (kept.contains(focus)) fresh.querySelector("#" + CSS.escape(kept.id))?.replaceWith(kept);
    }
    const selection = focus?.selectionStart === undefined ? null : [focus.selectionStart, focus.selectionEnd];
    old.replaceWith(document.adoptNode(fresh));
    document.title = page.title;
    if (focus?.id) {
      const place = document.getElementById(focus.id);
      if (place && place !== document.activeElement) place.focus({ preventScroll: true });
      if (place && selection?.[0] != null) try { place.setSelectionRange(...selection); } catch { /* not a text field */ }
    } else if (focus?.href && document.activeElement === document.body) {
      // A link without an id is known by where it leads.
      [...main().querySelectorAll("a[href]")].find((link) => link.href === focus.href)?.focus({ preventScroll: true });
    }
    scrollTo(...scroll);
  }

  // ---- the server tells of every event; a page that nobody sees does not listen ----
  let source;

  function listen() {
    source?.close();
    source = undefined;
    if (document.hidden || main()?.dataset.watch === undefined) return;
    source = new EventSource("/api/events");
    source.onopen = () => { tell("● live"); };
    source.onerror = () => { tell("○ not connected"); };
    source.onmessage = (message) => {
      const { stream } = JSON.parse(message.data);
      if (watched().some((prefix) => stream.startsWith(prefix))) soon();
    };
  }

  document.addEventListener("visibilitychange", () => {
    listen();
    if (!document.hidden && main()?.dataset.watch !== undefined) renew();
  });

  // ---- keys, as the foot of every page lists them; what has the focus is opened by the browser's own Enter ----
  let goes = false;

  // From the row that has the focus to the next one's link; without one, from the beginning or the end.
  function step(by) {
    const rows = [...main().querySelectorAll("[data-row]")];
    const here = rows.findIndex((row) => row.closest("tr, li, .prop, article").contains(document.activeElement));
    const next = here < 0 && by < 0 ? rows.length - 1 : here + by;
    rows[next]?.focus();
  }

  document.addEventListener("keydown", (key) => {
    const typing = key.target.closest?.("input, textarea, select");
    if (typing && key.key === "Escape") { (typing.closest("article")?.querySelector("[data-row]") ?? main()).focus(); typing.blur(); return; }
    if (typing || key.ctrlKey || key.altKey || key.metaKey) return;
    const page = goes && document.querySelector(`nav a[title="keys: g ${CSS.escape(key.key)}"]`);
    if (page) { page.click(); return; }
    goes = key.key === "g";
    if (key.key === "/") {
      key.preventDefault();
      const filter = document.getElementById("filter");
      if (filter) { filter.focus(); filter.select(); } else location.assign("/#filter");
    }
    if (key.key === "j" || key.key === "k") step(key.key === "j" ? 1 : -1);
    const keys = document.getElementById("keys");
    if (key.key === "?" && keys) { keys.open = !keys.open; keys.querySelector("summary").focus(); }
    // One key an answer: it opens the form, where the focus is or else the first, and goes to what must be said or sent.
    const place = document.activeElement.closest("article") ?? main();
    const act = [...place.querySelectorAll("details[data-key]")].find((one) => one.dataset.key === key.key);
    if (act) {
      key.preventDefault();
      act.open = true;
      (act.querySelector("[required]") ?? act.querySelector("button")).focus();
    }
  });

  // ---- where the address or a refusal points to ----
  function unfold() {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (place instanceof HTMLDetailsElement) place.open = true;
    if (place?.id === "filter") place.focus();
  }
  addEventListener("hashchange", unfold);
  unfold();
  document.getElementById("problem")?.focus();
  if (main()) { listen(); pace(); }
})();
