'use strict';
// Runs the unmodified official CometChat SDK in a jsdom window and does what it is told:
// one JSON object per line on standard input, one JSON object per line on standard output.
//
//     node driver.js FOLDER PACKAGE      FOLDER holds the packages "jsdom" and PACKAGE,
//                                        e.g. "@cometchat/chat-sdk-javascript"
//
// The only thing replaced is the way out: fetch() sends the SDK's request, as it is, to the base
// URL given with "init". Whatever the SDK wants from any other host fails here and is recorded.

const { webcrypto } = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const readline = require('node:readline');
const vm = require('node:vm');

const packages = path.resolve(process.argv[2]);
const { JSDOM, VirtualConsole } = require(path.join(packages, 'jsdom'));
const sdkFile = path.join(packages, ...process.argv[3].split('/'), 'CometChat.js');
const sdkScript = new vm.Script(fs.readFileSync(sdkFile, 'utf8'), { filename: sdkFile });

const REGION = 'us';
const LISTENER_ID = 'driver';
// Turns of the event loop without a change after which the SDK has finished writing.
const QUIET_TURNS = 10;
const RESTORE_LIMIT = 5000; // milliseconds

const ways = {
  'http:': { request: http.request, agent: new http.Agent({ keepAlive: true }) },
  'https:': { request: https.request, agent: new https.Agent({ keepAlive: true }) },
};
let installation = null; // { appId, baseUrl, host }
let dom = null;
let sdk = null;
let events = [];
let blocked = [];

// ---- the way out ----

function isServiceHost(hostname) {
  const { appId, baseUrl } = installation;
  return [
    `${appId}.api-${REGION}.cometchat.io`.toLowerCase(),
    `${appId}.apiclient-${REGION}.cometchat.io`.toLowerCase(),
    new URL(baseUrl).host,
  ].includes(hostname);
}

function refuse(kind, url) {
  blocked.push({ kind, url: String(url) });
  return new TypeError('Failed to fetch');
}

// A redirect is answered as it is, not followed: no request leaves for an address it names.
function fetchFromBase(input, options = {}) {
  const asked = new URL(String(input));
  if (!isServiceHost(asked.host)) return Promise.reject(refuse('fetch', asked));
  const base = new URL(installation.baseUrl);
  const way = ways[base.protocol];
  const body = options.body === undefined ? null : Buffer.from(options.body, 'utf8');
  const headers = { ...options.headers };
  if (body !== null) headers['Content-Length'] = body.length;
  return new Promise((resolve, reject) => {
    const request = way.request({
      agent: way.agent,
      host: base.hostname,
      port: base.port,
      method: options.method,
      path: base.pathname.replace(/\/$/, '') + asked.pathname + asked.search,
      headers,
    }, (answer) => resolve(asResponse(answer)));
    request.on('error', () => reject(new TypeError('Failed to fetch')));
    request.end(body);
  });
}

async function asResponse(answer) {
  const chunks = [];
  for await (const chunk of answer) chunks.push(chunk);
  const empty = [204, 205, 304].includes(answer.statusCode);
  const headers = new Headers();
  for (let i = 0; i < answer.rawHeaders.length; i += 2) {
    headers.append(answer.rawHeaders[i], answer.rawHeaders[i + 1]);
  }
  return new Response(empty ? null : Buffer.concat(chunks), { status: answer.statusCode, headers });
}

// ---- the window ----

function openWindow(stored) {
  dom = new JSDOM('<!doctype html><title>driver</title>', {
    url: 'https://driver.example/',
    runScripts: 'outside-only',
    virtualConsole: new VirtualConsole(), // swallows the SDK's logging
  });
  const { window } = dom;
  for (const [key, value] of Object.entries(stored)) window.localStorage.setItem(key, value);
  // What every browser has and jsdom lacks, some of it not in all versions.
  window.fetch = fetchFromBase;
  window.TextEncoder = TextEncoder;
  window.matchMedia = () => ({ matches: false });
  Object.defineProperty(window, 'crypto', { value: webcrypto, configurable: true });
  for (const kind of ['WebSocket', 'XMLHttpRequest']) {
    window[kind] = function Refused(url) { throw refuse(kind, url); };
  }
  sdkScript.runInContext(dom.getInternalVMContext());
  sdk = window.CometChat.CometChat ?? window.CometChat;
  return window;
}

function closeConnections() {
  for (const { agent } of Object.values(ways)) agent.destroy();
}

function closeWindow() {
  if (dom === null) return;
  dom.window.close();
  dom = null;
  sdk = null;
}

function storedText() {
  return JSON.stringify(Object.entries({ ...dom.window.localStorage }));
}

// The SDK resolves its promises before its local store has written everything.
async function settle() {
  let last = storedText();
  for (let quiet = 0; quiet < QUIET_TURNS;) {
    await new Promise(setImmediate);
    const now = storedText();
    quiet = now === last ? quiet + 1 : 0;
    last = now;
  }
}

// After a restart the SDK's init() resolves before it has read its store, in about one of ten.
async function untilRestored() {
  const end = Date.now() + RESTORE_LIMIT;
  while ((await sdk.getLoggedinUser()) === null && Date.now() < end) {
    await new Promise(setImmediate);
  }
}

async function start(stored) {
  const window = openWindow(stored);
  const listen = (name) => (value) => events.push({ name, value: value ?? null });
  const names = ['loginSuccess', 'loginFailure', 'logoutSuccess', 'logoutFailure'];
  const callbacks = Object.fromEntries(names.map((name) => [name, listen(name)]));
  const settings = new sdk.AppSettingsBuilder()
    .setRegion(REGION)
    .autoEstablishSocketConnection(false);
  const { host } = installation;
  if (host) settings.overrideAdminHost(host).overrideClientHost(host);
  const done = await sdk.init(installation.appId, settings.build());
  sdk.addLoginListener(LISTENER_ID, new sdk.LoginListener(callbacks));
  await settle();
  return done && sdk.isInitialized() && window === dom.window;
}

// ---- what can be asked ----

const commands = {
  init({ appId, baseUrl, host }) {
    closeWindow();
    installation = { appId, baseUrl, host };
    events = [];
    blocked = [];
    return start({});
  },
  async restart() {
    await settle();
    dom.window.dispatchEvent(new dom.window.Event('beforeunload'));
    await settle();
    const stored = { ...dom.window.localStorage };
    const loggedIn = (await sdk.getLoggedinUser()) !== null;
    closeWindow();
    const done = await start(stored);
    if (loggedIn) await untilRestored();
    return done;
  },
  login({ uid, authKey, authToken }) {
    return authToken === undefined ? sdk.login(uid, authKey) : sdk.login(authToken);
  },
  logout: () => sdk.logout(),
  // Seconds of each login; the logouts between them do not count.
  async timeLogins({ uid, authKey, times }) {
    const found = [];
    for (let i = 0; i < times; i += 1) {
      const began = performance.now();
      await sdk.login(uid, authKey);
      found.push((performance.now() - began) / 1000);
      await settle();
      await sdk.logout();
      await settle();
    }
    return found;
  },
  getLoggedinUser: () => sdk.getLoggedinUser(),
  createUser: ({ user, authKey }) => sdk.createUser(user, authKey),
  updateUser: ({ user, authKey }) => sdk.updateUser(user, authKey),
  getUser: ({ uid }) => sdk.getUser(uid),
  updateCurrentUserDetails: ({ user }) => sdk.updateCurrentUserDetails(user),
  events: () => events.splice(0),
  blocked: () => blocked.splice(0),
  exit() {
    closeWindow();
    closeConnections();
    input.close();
    return true;
  },
};

function describe(error) {
  const { code = null, name = null, message = null, details = null } = Object(error);
  return { code, name, message, details };
}

async function answer(line) {
  try {
    // The window's own JSON makes objects of the window's own classes, as a page would pass.
    const command = (dom?.window.eval('JSON') ?? JSON).parse(line);
    const result = await commands[command.do](command);
    if (dom !== null) await settle();
    return { ok: result ?? null };
  } catch (error) {
    return { error: describe(error) };
  }
}

// The SDK's own stray rejections must not end the process: the command's answer is what counts.
process.on('unhandledRejection', (reason) => console.error('unhandled in the SDK:', reason));

const input = readline.createInterface({ input: process.stdin });
let queue = Promise.resolve();
input.on('line', (line) => {
  queue = queue.then(async () => {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  });
});
input.on('close', () => queue.then(() => { closeWindow(); closeConnections(); }));
