"use strict";
// Keeps the page up to date: asks for it again every few seconds and after each change of a job's
// state, and replaces only what has changed. All text stays text: rows come from the service, which
// escapes them, and what a job says is set as text.
(() => {
  const PAUSE = 5000;
  // Browsers have six connections to a server, and other tabs may show this page too.
  const MOST_STREAMS = 2;
  const of = (id) => document.getElementById(id);
  const [filter, lost] = [of("filter"), of("lost")];
  const script = document.currentScript.textContent;
  const sent = new WeakMap();
  const said = new Map();
  const streams = new Map();
  let [tag, offset, answered, timer, asking] = ["", 0, Date.now(), 0, false];

  // The HTML of an element as the service sent it. Ages change by themselves.
  const html = (element) => element.outerHTML.replace(/(<time[^>]*>)[^<]*/g, "$1");
  const parts = (root) => root.querySelectorAll("[data-part]");
  const rowsOf = (part) => part.querySelector(":scope > [data-rows]");
  const note = (element) => {
    sent.set(element, html(element));
    const rows = rowsOf(element);
    for (const row of rows ? rows.children : []) sent.set(row, html(row));
  };

  // Replaces an element, and leaves open what is open, and the focus where it is.
  function replace(before, after) {
    const fresh = document.importNode(after, true);
    sent.set(fresh, html(after));
    const targets = (element) => [...element.querySelectorAll("a, summary, input")];
    const focus = targets(before).indexOf(document.activeElement);
    const open = [...before.querySelectorAll("details")].map((details) => details.open);
    fresh.querySelectorAll("details").forEach((details, index) => { details.open = open[index]; });
    before.replaceWith(fresh);
    if (focus >= 0) targets(fresh)[focus]?.focus({ preventScroll: true });
  }

  function updateRows(list, wanted) {
    const there = new Map([...list.children].map((row) => [row.id, row]));
    let place = list.firstElementChild;
    for (const row of [...wanted.children]) {
      const before = there.get(row.id);
      there.delete(row.id);
      if (before) {
        if (before === place) place = place.nextElementSibling;
        else list.insertBefore(before, place);
        if (sent.get(before) !== html(row)) replace(before, row);
      } else {
        const fresh = document.importNode(row, true);
        sent.set(fresh, html(row));
        list.insertBefore(fresh, place);
      }
    }
    for (const row of there.values()) row.remove();
  }

  function update(fresh) {
    for (const after of parts(fresh)) {
      const before = of(after.id);
      const now = html(after);
      if (!before || sent.get(before) === now) continue;
      const [list, wanted] = [rowsOf(before), rowsOf(after)];
      if (list && wanted) {
        updateRows(list, wanted);
        sent.set(before, now);
        continue;
      }
      // The field in which somebody may be typing stays.
      const form = before.querySelector("form");
      replace(before, after);
      const copy = of(after.id);
      if (form) copy.querySelector("form").replaceWith(form);
      note(copy);
      sent.set(copy, now);
    }
    document.title = fresh.title;
  }

  function showAges() {
    const now = Date.now() + offset;
    const ago = (seconds) =>
      seconds < 5 ? "just now"
        : seconds < 120 ? `${seconds} s ago`
        : seconds < 7200 ? `${Math.floor(seconds / 60)} min ago`
        : seconds < 172800 ? `${Math.floor(seconds / 3600)} h ago`
        : `${Math.floor(seconds / 86400)} days ago`;
    for (const time of document.querySelectorAll("time[title]")) {
      const text = ago(Math.max(0, Math.floor((now - Date.parse(time.dateTime)) / 1000)));
      if (time.textContent !== text) time.textContent = text;
    }
  }

  function applyFilter() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let [shown, all] = [0, 0];
    for (const row of document.querySelectorAll("[data-find]")) {
      row.hidden = !words.every((word) => row.dataset.find.includes(word));
      all += 1;
      shown += row.hidden ? 0 : 1;
    }
    of("found").textContent = words.length ? `${shown} of ${all} machines` : "";
    const query = filter.value ? `?q=${encodeURIComponent(filter.value)}` : location.pathname;
    history.replaceState(null, "", query);
  }

  function told(event) {
    if (event.event === "at-site") return `${event.site}: ${told(event.of)}`;
    const profile = event.profile ? `${event.profile}: ` : "";
    switch (event.event) {
      case "phase-started": return profile + event.phase;
      case "phase-finished": return `${profile}${event.phase} finished`;
      case "progress": {
        const share = event.total ? ` ${Math.floor((100 * event.done) / event.total)} %` : "";
        return `${profile}${event.phase} ${event.subject}${share}`;
      }
      case "log": return `${profile}${event.origin}> ${event.line}`;
      case "warning": return `${profile}warning: ${event.message}`;
      default: return "";
    }
  }

  // Follows the jobs that are not over.
  function follow() {
    const open = [...document.querySelectorAll("[data-follow]")].map((row) => row.dataset.follow);
    const wanted = document.hidden ? [] : open.slice(-MOST_STREAMS);
    for (const [id, stream] of streams) {
      if (wanted.includes(id)) continue;
      stream.close();
      streams.delete(id);
    }
    for (const id of wanted) {
      if (streams.has(id)) continue;
      const stream = new EventSource(`api/jobs/${id}/events?after=latest`);
      stream.addEventListener("state", () => ask(100));
      stream.addEventListener("event", (message) => {
        said.set(id, told(JSON.parse(message.data)) || said.get(id) || "");
        showSaid();
      });
      streams.set(id, stream);
    }
    showSaid();
  }

  function showSaid() {
    for (const [id, text] of said) {
      const line = of(`job-${id}`)?.querySelector(".said");
      if (line) line.textContent = text;
      else said.delete(id);
    }
  }

  function ask(pause) {
    clearTimeout(timer);
    timer = setTimeout(refresh, pause);
  }

  async function refresh() {
    if (document.hidden) return;
    if (asking) return ask(PAUSE);
    asking = true;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const signal = AbortSignal.timeout(30000);
      const answer = await fetch(location.pathname, { headers, signal });
      if (answer.status === 200) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        // The service was replaced by another version.
        if (fresh.querySelector("script")?.textContent !== script) return location.reload();
        offset = Date.parse(fresh.getElementById("now").dateTime) - Date.now();
        update(fresh);
        tag = answer.headers.get("ETag") ?? "";
        applyFilter();
        follow();
      } else if (answer.status !== 304) {
        throw new Error(`the service answers ${answer.status}`);
      }
      answered = Date.now();
      lost.hidden = true;
    } catch (error) {
      const since = new Date(answered + offset).toISOString().replace(/\.\d+/, "");
      lost.textContent = `This page is as of ${since}, because the service cannot be reached: ${error.message}`;
      lost.hidden = false;
    } finally {
      asking = false;
      ask(PAUSE);
    }
    showTime();
  }

  function showTime() {
    const time = new Date(answered + offset).toISOString().replace(/\.\d+/, "");
    of("now").dateTime = time;
    of("now").textContent = time;
    showAges();
  }

  for (const part of parts(document)) note(part);
  offset = Date.parse(of("now").dateTime) - Date.now();
  filter.addEventListener("input", applyFilter);
  filter.form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("click", (event) => {
    const tile = event.target.closest("#counts a");
    if (!tile || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const words = new URL(tile.href).searchParams.get("q");
    filter.value = filter.value === words ? "" : words;
    applyFilter();
  });
  document.addEventListener("visibilitychange", () => {
    follow();
    if (!document.hidden) ask(0);
  });
  setInterval(showAges, 1000);
  showAges();
  follow();
  // With words in the address, the service sent only some machines.
  ask(filter.value ? 0 : PAUSE);
})();
