// The script of the console. Every page works without it, but for what comes live: it
// adds keys, finding as one types, events as they come, and copying. Rows and results
// are fragments that the service renders from the templates of its pages.

const root = document.documentElement;
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// ------------------------------------------------------------------ asking the service

// The policy lets only this function make markup of text, and its text is ours.
const policy = window.trustedTypes?.createPolicy('fragment', { createHTML: (html) => html });

function parsed(html) {
  const template = document.createElement('template');
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}

// Without `text/html` what goes wrong is told as a problem, and not as a page.
async function ask(url, init) {
  const answer = await fetch(url, { headers: { accept: 'application/json, */*;q=0.1' }, ...init });
  if (answer.status === 401) {
    location.assign('/console/sign-in?back=' + encodeURIComponent(location.pathname + location.search));
    return new Promise(() => {});
  }
  if (answer.ok) return answer.text();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail ?? 'The service cannot be asked now.');
}

function withQuery(url, pairs) {
  const whole = new URL(url, location.href);
  for (const [name, value] of Object.entries(pairs)) whole.searchParams.set(name, value);
  return whole.pathname + whole.search;
}

let toastTimer;
function tell(text) {
  const toast = one('#toast');
  if (!toast) return;
  toast.hidden = false;
  toast.textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, 5000);
}

const failed = (error) => tell(error instanceof TypeError ? 'The service does not answer.' : error.message);

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    tell(`${what} copied`);
  } catch {
    tell('The browser does not let this page copy; mark the text instead.');
  }
}

// What browsers forbid in private windows is no reason to stop.
function stored(name, value) {
  try {
    if (value === undefined) return JSON.parse(localStorage.getItem(name));
    localStorage.setItem(name, JSON.stringify(value));
  } catch { /* it is only not remembered */ }
  return null;
}

// ------------------------------------------------------------------ the frame

// The zone is told once; pages are made in it from then on.
function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || root.dataset.zone === undefined || root.dataset.zone === zone) return;
  document.cookie = `tk-zone=${encodeURIComponent(zone)}; path=/console; max-age=34560000; samesite=lax`;
  try {
    if (one('.gate') || sessionStorage.getItem('tk-zone') === zone) return;
    sessionStorage.setItem('tk-zone', zone);
    location.reload();
  } catch { /* the next page is in the zone */ }
}

function closeMenus(but) {
  for (const menu of all('details.menu[open]')) if (menu !== but) menu.open = false;
}

// "7 s ago" goes on.
function ageTimes() {
  for (const time of all('time')) {
    if (!/ ago$|^now$/.test(time.textContent)) continue;
    const seconds = Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (seconds < 1 || seconds >= 43200) continue;
    const [unit, name] = seconds < 60 ? [1, 's'] : seconds < 3600 ? [60, 'min'] : [3600, 'h'];
    time.textContent = `${Math.floor(seconds / unit)} ${name} ago`;
  }
}

function fill() {
  for (const place of all('[data-fill]')) {
    ask(place.dataset.fill).then((html) => place.replaceChildren(parsed(html)), () => {
      place.textContent = 'cannot be counted now';
    });
  }
}

// A part of a page that is made anew every so many seconds. What is open in it stays
// open, and what has the focus keeps it.
async function refresh(place) {
  if (document.hidden) return;
  try {
    const got = parsed(await ask(withQuery(location.href, { fragment: true })));
    const reached = () => all('a, summary, [tabindex]', place);
    const at = reached().indexOf(document.activeElement);
    const open = all('details[open]', place).map(({ id }) => id);
    place.replaceChildren(got);
    for (const id of open) if (one('#' + id)) one('#' + id).open = true;
    reached()[at]?.focus({ preventScroll: true });
  } catch (error) { failed(error); }
}

// ------------------------------------------------------------------ finding

const box = one('#q');
let asked = box?.value.trim() ?? '';
let answered = asked;
let typing;

async function find() {
  const text = box.value.trim();
  if (text === asked) return;
  asked = text;
  const url = withQuery('/console', text ? { q: text } : {});
  history.replaceState(null, '', url);
  try {
    const html = await ask(withQuery('/console', { q: text, fragment: true }));
    // A slow answer to what was typed before comes too late.
    if (text !== asked) return;
    one('#results').replaceChildren(parsed(html));
    answered = text;
  } catch (error) { failed(error); }
  showRecents();
}

function step(by) {
  const hits = all('.hit-row').filter((hit) => hit.offsetParent);
  if (!hits.length) return;
  const at = hits.indexOf(document.activeElement);
  if (at + by < 0) box.focus();
  else hits[Math.min(at + by, hits.length - 1)].focus();
}

function startFinding() {
  if (!box) return;
  box.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(find, 120);
  });
  box.form.addEventListener('submit', (event) => {
    const first = one('#results .hit-row.first');
    if (first && answered === box.value.trim()) {
      event.preventDefault();
      location.assign(first.href);
    }
  });
  document.addEventListener('keydown', (event) => {
    const isHere = event.target === box || event.target.classList?.contains('hit-row');
    if (!isHere || !['ArrowDown', 'ArrowUp'].includes(event.key)) return;
    event.preventDefault();
    step(event.key === 'ArrowDown' ? 1 : -1);
  });
  showRecents();
}

function showRecents() {
  const section = one('#recents');
  const recents = stored('tk-recent') ?? [];
  if (!section) return;
  section.hidden = !recents.length || box.value.trim() !== '';
  const list = one('ul', section);
  list.replaceChildren(...recents.map(({ href, label, sub }) => {
    const item = document.createElement('li');
    const link = Object.assign(document.createElement('a'), { className: 'hit-row', href });
    const icon = document.createElement('span');
    const name = document.createElement('span');
    name.append(label, Object.assign(document.createElement('span'), { className: 'sub', textContent: sub }));
    link.append(icon, name);
    item.append(link);
    return item;
  }));
}

function remember() {
  const strip = one('.strip[data-label]');
  if (!strip) return;
  const { user, label } = strip.dataset;
  const recent = { href: location.pathname, label, sub: user === label ? '' : user };
  const others = (stored('tk-recent') ?? []).filter(({ href }) => href !== recent.href);
  stored('tk-recent', [recent, ...others].slice(0, 8));
}

// ------------------------------------------------------------------ a journey

const journey = one('#journey');
const plural = (count) => `${count} ${count === 1 ? 'event' : 'events'}`;

async function toggle(row) {
  const event = row.closest('.event');
  const opened = one('.opened', event);
  if (opened) {
    opened.remove();
    row.setAttribute('aria-expanded', 'false');
    return;
  }
  try {
    const html = await ask(withQuery(journey?.dataset.event ?? event.dataset.event, { id: row.value }));
    if (one('.opened', event)) return;
    event.append(parsed(html));
    row.setAttribute('aria-expanded', 'true');
    showButtons(event);
  } catch (error) { failed(error); }
}

function recount(section) {
  for (const counted of all('[data-count]', section)) {
    const within = counted.closest('.session') ?? section;
    counted.textContent = plural(all('.event', within).length);
  }
}

// Puts the sessions of a day before or behind those that are there of it.
function join(there, added, isNewer) {
  const sessions = all('.session', added);
  for (const session of isNewer ? sessions.reverse() : sessions) {
    const ends = all('.session', there);
    const end = isNewer ? ends[0] : ends.at(-1);
    if (end?.dataset.session === session.dataset.session) {
      const rows = all(':scope > .events > li', session);
      one('.events', end)[isNewer ? 'prepend' : 'append'](...rows);
      const place = isNewer ? -1 : 0;
      all('h4 time', end).at(place)?.replaceWith(all('h4 time', session).at(place) ?? '');
      one('.length', end)?.remove();
    } else if (isNewer) end.before(session);
    else end.after(session);
  }
  recount(there);
}

function merge(stretch, isNewer) {
  const days = all('.of-day', stretch);
  for (const day of isNewer ? days.reverse() : days) {
    const ends = all('.of-day', journey);
    const end = isNewer ? ends[0] : ends.at(-1);
    if (end?.dataset.day === day.dataset.day) join(end, day, isNewer);
    else if (!end) one('.stretch', journey).append(day);
    else if (isNewer) end.before(day);
    else end.after(day);
  }
}

async function more(link) {
  const isNewer = link.dataset.more === 'newer';
  link.setAttribute('aria-busy', 'true');
  try {
    const got = parsed(await ask(withQuery(link.href, { fragment: true })));
    const next = one(`[data-more="${link.dataset.more}"]`, got)?.closest('.more') ?? one('.stretch > .gap', got);
    const place = link.closest('.more');
    const before = document.body.scrollHeight;
    merge(got, isNewer);
    if (next) place.replaceWith(next);
    else place.remove();
    // What is read does not move.
    if (isNewer) scrollBy(0, document.body.scrollHeight - before);
    filterText();
  } catch (error) { failed(error); link.removeAttribute('aria-busy'); }
}

function filterText() {
  const field = one('#text');
  if (!field) return;
  const text = field.value.trim().toLowerCase();
  for (const event of all('.event', journey)) {
    event.hidden = text !== '' && !event.textContent.toLowerCase().includes(text);
  }
}

// ------------------------------------------------------------------ live

let stream;
let waiting = null;
let isAsking = false;

const liveButton = one('[data-do="live"]');
const wantsLive = () => liveButton?.getAttribute('aria-pressed') === 'true';

function newestKnown() {
  return one('[data-newest]', journey)?.dataset.newest;
}

async function takeNew() {
  if (isAsking) return;
  isAsking = true;
  try {
    const from = newestKnown();
    const got = parsed(await ask(withQuery(journey.dataset.new, from ? { cursor: from } : {})));
    const count = all('.event', got).length;
    const newest = one('[data-newest]', got)?.dataset.newest;
    if (!count) return;
    one('.stretch', journey).dataset.newest = newest;
    all('.event', got).forEach((event) => event.classList.add('new'));
    waiting = [...(waiting ?? []), got];
    if (scrollY < 160) showNew();
    else announce(waiting.reduce((sum, part) => sum + all('.event', part).length, 0));
  } catch (error) { failed(error); } finally { isAsking = false; }
}

function announce(count) {
  const pill = Object.assign(document.createElement('button'), { className: 'pill', type: 'button', textContent: `${count} new` });
  pill.dataset.do = 'new';
  one('#news').replaceChildren(pill);
}

function showNew() {
  for (const part of waiting ?? []) {
    one('.empty', journey)?.remove();
    merge(part, true);
  }
  waiting = null;
  one('#news').replaceChildren();
  filterText();
}

function listen() {
  const isWanted = wantsLive() && document.visibilityState === 'visible';
  if (!isWanted) {
    stream?.close();
    stream = undefined;
  } else if (!stream) {
    let timer;
    const soon = () => { clearTimeout(timer); timer = setTimeout(takeNew, 150); };
    stream = new EventSource(journey.dataset.live);
    stream.addEventListener('message', soon);
    stream.addEventListener('gap', soon);
    // After a break what came meanwhile is asked for.
    stream.addEventListener('open', () => { mark('good'); soon(); });
    stream.addEventListener('error', () => {
      mark('warn');
      // A browser that gives up does not try again by itself.
      if (stream?.readyState === EventSource.CLOSED) {
        stream = undefined;
        setTimeout(listen, 5000);
        ask('/console?fragment=true').catch(() => {});
      }
    });
  }
  if (!isWanted) mark('');
}

function mark(state) {
  const dot = one('.dot', liveButton);
  if (dot) dot.className = state === 'good' ? 'dot good now' : `dot ${state}`;
}

function setLive(isOn) {
  liveButton.setAttribute('aria-pressed', String(isOn));
  listen();
}

function startJourney() {
  if (!journey) return;
  remember();
  if (liveButton && journey.dataset.isNewest !== undefined) {
    liveButton.hidden = false;
    setLive(true);
    document.addEventListener('visibilitychange', listen);
    addEventListener('pagehide', () => { stream?.close(); stream = undefined; });
  }
  const filters = one('.filters');
  filters?.addEventListener('change', (event) => {
    if (event.target.matches('[name="type"], [name="day"]')) filters.requestSubmit();
  });
  one('#text')?.addEventListener('input', filterText);
  const isNarrow = matchMedia('(max-width: 640px)').matches;
  if (isNarrow && one('.more-filters')) one('.more-filters').open = false;
}

// ------------------------------------------------------------------ lists that grow

// The service answers when something has come; a page that nobody sees does not ask.
async function poll(list) {
  for (let pause = 1000; ; ) {
    if (document.visibilityState !== 'visible' || list.dataset.paused) {
      await new Promise((done) => setTimeout(done, 500));
      continue;
    }
    try {
      const { from, since } = list.dataset;
      const got = parsed(await ask(withQuery(list.dataset.poll, since ? { from, since } : { from })));
      all('template', got).forEach((said) => { Object.assign(list.dataset, said.dataset); said.remove(); });
      all('.event', got).forEach((event) => event.classList.add('new'));
      if (got.childElementCount) one('[data-until]')?.remove();
      list.prepend(got);
      all(':scope > li', list).slice(list.dataset.most).forEach((old) => old.remove());
      pause = 1000;
    } catch (error) {
      failed(error);
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(pause * 2, 30000);
    }
  }
}

// ------------------------------------------------------------------ keys

const rows = () => all('button.row, a.row').filter((row) => row.offsetParent);

function moveIn(list, by) {
  if (!list.length) return;
  const here = document.activeElement;
  const before = list.findLastIndex((item) => item === here || (item.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING));
  const isOn = list[before] === here;
  const next = by > 0 ? before + 1 : isOn ? before - 1 : before;
  const item = list[Math.max(0, Math.min(next, list.length - 1))];
  item.focus();
  item.scrollIntoView({ block: 'nearest' });
}

const focused = () => document.activeElement.closest?.('.event');

const keys = {
  '/': () => (box ?? one('#find'))?.focus(),
  j: () => moveIn(rows(), 1),
  k: () => moveIn(rows(), -1),
  ']': () => moveIn(all('.session > summary'), 1),
  '[': () => moveIn(all('.session > summary'), -1),
  e: () => moveIn(all('.k-err > .row').filter((row) => row.offsetParent), 1),
  o: () => document.activeElement.click?.(),
  l: () => liveButton && !liveButton.hidden && setLive(!wantsLive()),
  f: () => { const chips = one('.filters input'); chips?.focus(); },
  y: () => {
    const event = focused();
    if (!event) return;
    const path = `/console/users/${encodeURIComponent(event.dataset.user)}`;
    const row = one('.row', event);
    const link = row.href ?? withQuery(path, { around: row.value });
    copy(new URL(link, location.href).href, 'Link');
  },
  '.': () => {
    const event = focused();
    if (!event || !journey) return;
    const url = new URL(location.href);
    url.searchParams.append('hide', event.dataset.kind);
    location.assign(url);
  },
  '?': () => one('#keys')?.showModal(),
};

function pressed(event) {
  const isFind = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k';
  if (event.key === 'Escape') closeMenus();
  const isText = event.target.matches?.('input:not([type="checkbox"], [type="radio"]), textarea, select');
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const isOff = stored('tk-keys-off') === true || one('dialog[open]');
  if (!isFind && (isText || !isPlain || isOff || !Object.hasOwn(keys, event.key))) return;
  event.preventDefault();
  keys[isFind ? '/' : event.key]();
}

// ------------------------------------------------------------------ all together

const deeds = {
  keys: () => { closeMenus(); one('#keys').showModal(); },
  forget: () => { stored('tk-recent', []); showRecents(); },
  live: () => setLive(!wantsLive()),
  pause: (button) => {
    const isPaused = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(isPaused));
    one('[data-poll]').dataset.paused = isPaused ? 'yes' : '';
    one('#live-state').textContent = isPaused ? 'Paused' : 'Listening';
  },
  new: () => { showNew(); scrollTo({ top: 0 }); },
  ticket: (link) => ask(link.href).then((text) => copy(text, 'Journey'), failed),
};

function clicked(event) {
  const target = event.target.closest?.('a, button, summary, label, input') ?? event.target;
  // A file that is taken along leaves the page as it is.
  closeMenus(!target.matches?.('[download]') && event.target.closest?.('details.menu'));
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (target.dataset?.copyOf) copy(one(`#${target.dataset.copyOf}`).textContent, 'Snippet');
  else if (target.dataset?.copy !== undefined) copy(target.dataset.copy, target.dataset.what ?? 'JSON');
  else if (target.dataset?.do && deeds[target.dataset.do]) {
    event.preventDefault();
    deeds[target.dataset.do](target);
  } else if (target.dataset?.more) {
    event.preventDefault();
    more(target);
  } else if (target.matches?.('button.row')) {
    event.preventDefault();
    toggle(target);
  } else if (target.dataset?.link !== undefined) {
    event.preventDefault();
    copy(target.href, 'Link');
  }
}

// Buttons that are nothing without scripts, and forms that need none with them.
function showButtons(within = document) {
  all('[data-copy][hidden], [data-copy-of][hidden], [data-do="keys"][hidden], [data-scripts][hidden]', within).forEach((one) => { one.hidden = false; });
  all('[data-without-scripts]', within).forEach((one) => { one.hidden = true; });
}

tellZone();
showButtons();
startFinding();
startJourney();
fill();
all('[data-poll]').forEach(poll);
setInterval(ageTimes, 5000);
for (const place of all('[data-refresh]')) setInterval(refresh, place.dataset.refresh * 1000, place);
document.addEventListener('click', clicked);
document.addEventListener('keydown', pressed);
const keysOff = one('#keys-off');
if (keysOff) {
  keysOff.checked = stored('tk-keys-off') === true;
  keysOff.addEventListener('change', () => stored('tk-keys-off', keysOff.checked));
}
