"use strict";
// Asks the daemon every two seconds and shows what it says. Everything that comes from outside reaches the page as text.

const kRefreshMs = 2000;
const kTimeoutMs = 5000;
const kMostServices = 200;      // rows of the list; the rest is counted
const kMostInstances = 200;     // rows of one service; the rest is counted
const kOpenAtFirst = 12;        // with more services than that, none is opened for the reader

const byId = (id) => document.getElementById(id);

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// ---- words for numbers ----

const integers = new Intl.NumberFormat("en");
let clockOffsetMs = 0;          // the daemon's clock minus the browser's

const nowSeconds = () => (Date.now() + clockOffsetMs) / 1000;
const count = (value) => (value === undefined ? "–" : integers.format(value));

function bytes(value) {
  if (value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    ++unit;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function duration(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

const ago = (epoch) => `${duration(nowSeconds() - epoch)} ago`;
const moment = (epoch) => new Date(epoch * 1000).toLocaleString();

// Times grow older between two answers: their nodes are told apart by a data attribute.
function showTime(node, epoch, style) {
  node.dataset.epoch = String(epoch);
  node.dataset.style = style;
  node.title = moment(epoch);
  refreshTime(node);
}

function refreshTime(node) {
  const epoch = Number(node.dataset.epoch);
  setText(node, node.dataset.style === "ago" ? ago(epoch) : `${node.dataset.style} ${duration(nowSeconds() - epoch)}`);
}

// ---- servers ----

const isLoopback = (host) => host === "localhost" || host === "::1" || host.startsWith("127.");

// The daemon's loopback is not the reader's.
function uiAddress(server) {
  let host = server.host;
  if (isLoopback(host) && !isLoopback(location.hostname)) host = location.hostname;
  if (host.includes(":") && !host.startsWith("[")) host = `[${host}]`;
  try {
    return new URL(`http://${host}:${server.web_port}/app/explorer.html`).href;
  } catch {
    return null;
  }
}

const kCounts = [
  ["Studies", (s) => count(s.counts?.studies)],
  ["Series", (s) => count(s.counts?.series)],
  ["Instances", (s) => count(s.counts?.instances)],
  ["Disk", (s) => bytes(s.disk?.bytes)],
];

// What a server held is still worth knowing while it is away; how busy it was isn't.
const kFacts = [
  ["Web port", (s) => String(s.web_port)],
  ["DICOM port", (s) => (s.dicom_port ? String(s.dicom_port) : "–")],
  ["AET", (s) => s.aet || "–"],
  ["Version", (s) => s.version || "–"],
  ["Response", (s) => (s.status !== "online" || s.response_time_ms === undefined ? "–" : `${s.response_time_ms.toFixed(1)} ms`)],
  ["Jobs", (s) => (s.status !== "online" || s.jobs?.running === undefined ? "–" : `${s.jobs.running} running`)],
  ["CPU", (s) => (s.status !== "online" || s.cpu_percent === undefined ? "–" : `${s.cpu_percent.toFixed(1)} %`)],
  ["Memory", (s) => (s.status !== "online" ? "–" : bytes(s.memory_bytes))],
];

function definitionList(className, rows, grouped) {
  const list = element("dl", className);
  const values = rows.map(([label]) => {
    const parent = grouped ? list.appendChild(element("div")) : list;
    parent.append(element("dt", "", label));
    return parent.appendChild(element("dd"));
  });
  return { list, values };
}

function makeCard() {
  const card = element("li", "card");
  const head = card.appendChild(element("div", "card-head"));
  const names = head.appendChild(element("div"));
  const name = names.appendChild(element("h3"));
  const where = names.appendChild(element("p", "where"));
  const pill = head.appendChild(element("span", "pill"));
  const since = card.appendChild(element("p", "since"));
  const sinceTime = since.appendChild(element("span"));
  const why = since.appendChild(element("span", "why"));
  const counts = definitionList("counts", kCounts, true);
  const facts = definitionList("facts", kFacts, false);
  const foot = element("div", "card-foot");
  const seen = foot.appendChild(element("span", "seen"));
  seen.append("Last seen ");
  const seenTime = seen.appendChild(element("span"));
  const open = foot.appendChild(element("a", "button", "Open UI"));
  open.target = "_blank";
  open.rel = "noopener noreferrer";
  card.append(counts.list, facts.list, foot);
  return { card, name, where, pill, sinceTime, why, counts, facts, seenTime, open };
}

function fillCard(parts, server) {
  const online = server.status === "online";
  const shown = online && server.health && server.health !== "passing" ? server.health : server.status;
  parts.card.dataset.status = shown;
  parts.pill.dataset.status = shown;
  setText(parts.pill, shown[0].toUpperCase() + shown.slice(1));
  setText(parts.name, server.name || server.aet || "Orthanc");
  setText(parts.where, `${server.host}:${server.web_port}${server.locked ? " · asks for a password" : ""}`);
  showTime(parts.sinceTime, server.since, `${online ? "Online" : "Offline"} for`);
  setText(parts.why, server.reason ? ` – ${server.reason}` : "");
  kCounts.forEach(([, value], i) => setText(parts.counts.values[i], value(server)));
  kFacts.forEach(([, value], i) => setText(parts.facts.values[i], value(server)));
  showTime(parts.seenTime, server.last_seen, "ago");
  const address = online ? uiAddress(server) : null;
  parts.open.hidden = address === null;
  if (address !== null && parts.open.href !== address) parts.open.href = address;
  parts.open.setAttribute("aria-label", `Open UI of ${server.name || server.host}`);
}

const cards = new Map();        // by the server's key

function showServers(servers) {
  const entries = Object.entries(servers);
  entries.sort(([, a], [, b]) => a.host.localeCompare(b.host) || a.web_port - b.web_port);
  const online = entries.filter(([, server]) => server.status === "online").length;
  setText(byId("total"), String(entries.length));
  setText(byId("online"), String(online));
  setText(byId("offline"), String(entries.length - online));
  byId("offline").parentElement.dataset.some = String(entries.length > online);
  byId("no-servers").hidden = entries.length > 0;
  for (const [key, parts] of cards) {
    if (!(key in servers)) {
      parts.card.remove();
      cards.delete(key);
    }
  }
  entries.forEach(([key, server], i) => {
    if (!cards.has(key)) cards.set(key, makeCard());
    const parts = cards.get(key);
    fillCard(parts, server);
    place(byId("cards"), parts.card, i);
  });
}

// Moves only what isn't in its place, so that focus and selection stay.
function place(parent, node, index) {
  if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
}

// ---- services ----

const kColumns = ["Instance", "Status", "Address", "Since", "Why", "Source"];
const kStatuses = ["passing", "warning", "critical", "maintenance"];

function makeService(name) {
  const box = element("details", "service");
  const summary = box.appendChild(element("summary"));
  summary.append(element("span", "service-name", name));
  const tallies = summary.appendChild(element("span", "tallies"));
  const scroll = box.appendChild(element("div", "scroll"));
  const table = scroll.appendChild(element("table"));
  const head = table.createTHead().insertRow();
  for (const column of kColumns) {
    const cell = head.appendChild(element("th", `column-${column.toLowerCase()}`, column));
    cell.scope = "col";
  }
  const body = table.createTBody();
  const more = box.appendChild(element("p", "more"));
  more.hidden = true;
  const parts = { box, tallies, body, more, name, wanted: 0, shown: -1 };
  box.addEventListener("toggle", () => {
    if (box.open) loadInstances(parts).catch(() => {});
  });
  return parts;
}

function showTallies(parts, service) {
  const pills = kStatuses
    .filter((status) => service.instance_counts[status] > 0)
    .map((status) => {
      const pill = element("span", "pill", `${count(service.instance_counts[status])} ${status}`);
      pill.dataset.status = status;
      return pill;
    });
  parts.tallies.replaceChildren(...pills);
}

function instanceRow(instance) {
  const row = element("tr");
  row.append(element("td", "mono", instance.id));
  const pill = row.appendChild(element("td")).appendChild(element("span", "pill", instance.status));
  pill.dataset.status = instance.status;
  const host = instance.address.includes(":") ? `[${instance.address}]` : instance.address;
  row.append(element("td", "mono", instance.port ? `${host}:${instance.port}` : host));
  const since = row.appendChild(element("td", "nowrap")).appendChild(element("span"));
  showTime(since, instance.status_since, "for");
  row.append(element("td", "", instance.maintenance || instance.status_reason || ""), element("td", "", instance.source));
  return row;
}

async function loadInstances(parts) {
  if (parts.shown === parts.wanted) return;
  const { body: answer } = await ask(`/services/${encodeURIComponent(parts.name)}`, [200, 404]);
  if (!answer.service) return;
  const instances = answer.service.instances;
  parts.body.replaceChildren(...instances.slice(0, kMostInstances).map(instanceRow));
  parts.more.hidden = instances.length <= kMostInstances;
  setText(parts.more, `and ${count(instances.length - kMostInstances)} more`);
  parts.shown = answer.service.revision;
}

const services = new Map();     // by name
let firstServices = true;

async function showServices(all) {
  const list = all.slice(0, kMostServices);
  byId("no-services").hidden = all.length > 0;
  byId("more-services").hidden = all.length <= kMostServices;
  setText(byId("more-services"), `and ${count(all.length - kMostServices)} more services`);
  const names = new Set(list.map((service) => service.name));
  for (const [name, parts] of services) {
    if (!names.has(name)) {
      parts.box.remove();
      services.delete(name);
    }
  }
  list.forEach((service, i) => {
    const isNew = !services.has(service.name);
    if (isNew) services.set(service.name, makeService(service.name));
    const parts = services.get(service.name);
    if (parts.wanted !== service.revision) showTallies(parts, service);
    parts.wanted = service.revision;
    place(byId("service-list"), parts.box, i);
    if (isNew && (!firstServices || all.length <= kOpenAtFirst) && i < kOpenAtFirst) parts.box.open = true;
  });
  firstServices = false;
  const open = [...services.values()].filter((parts) => parts.box.open);
  await Promise.all(open.map(loadInstances));
}

// ---- the daemon ----

async function ask(path, statuses = [200]) {
  const response = await fetch(path, {
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(kTimeoutMs),
  });
  if (!statuses.includes(response.status)) throw new Error(`${path}: ${response.status}`);
  return { status: response.status, body: await response.json() };
}

function showHealth(health) {
  clockOffsetMs = health.timestamp * 1000 - Date.now();
  if (Math.abs(clockOffsetMs) < 1500) clockOffsetMs = 0;   // whole seconds say no more than that
  setText(byId("version"), `Rollcall ${health.version}`);
  const notice = byId("notice");
  const trouble = health.status === "unavailable" ? `Changes can't be stored now: ${health.detail}` : "";
  notice.hidden = trouble === "";
  notice.dataset.kind = "warning";
  setText(notice, trouble);
}

let lastAnswerMs = 0;

function showConnection(connected) {
  document.body.dataset.stale = String(!connected);
  byId("live").dataset.state = connected ? "on" : "off";
  if (connected) {
    lastAnswerMs = Date.now();
    return setText(byId("live-text"), "Live");
  }
  setText(byId("live-text"), lastAnswerMs ? `No answer for ${duration((Date.now() - lastAnswerMs) / 1000)}` : "No answer");
  const notice = byId("notice");
  notice.hidden = false;
  notice.dataset.kind = "error";
  setText(notice, "Error connecting to discovery service");
}

async function refresh() {
  try {
    const [health, servers, directory] = await Promise.all([
      ask("/health", [200, 503]),
      ask("/servers.json"),
      ask("/services"),
    ]);
    showHealth(health.body);
    showServers(servers.body);
    await showServices(directory.body.services);
    showConnection(true);
  } catch (error) {
    console.warn(error);
    showConnection(false);
  }
}

async function loop() {
  if (!document.hidden) await refresh();
  setTimeout(loop, kRefreshMs);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
setInterval(() => document.querySelectorAll("[data-epoch]").forEach(refreshTime), 1000);
loop();
