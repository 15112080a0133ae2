// The page's service worker: isolates the page where its host sends no such headers, so that threads can share memory,
// and keeps the files that it is made of, so that it opens without a network. It takes over at the next visit; one of a later
// build, once no tab shows the page any more, since that page still asks for its own files.
const build = "BUILD";
const files = ["FILES"];
const kept = `lfm2-page-${build}`;
/** What WebKit sends by itself past a service worker loses its Range when it is redirected, as a hub does. */
const losesRange = /AppleWebKit/.test(navigator.userAgent) && !/Chrome/.test(navigator.userAgent);
const scope = new URL(self.registration.scope);

self.addEventListener("install", (event) => {
  // Past the browser's own cache, which may hold files of the build before.
  const requests = files.map((file) => new Request(new URL(file, scope), { cache: "no-cache" }));
  event.waitUntil(caches.open(kept).then((cache) => cache.addAll(requests)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("lfm2-page-") && name !== kept) await caches.delete(name);
      }
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const isOwn = url.origin === scope.origin && url.pathname.startsWith(scope.pathname);
  if (request.method === "GET" && losesRange && url.origin !== scope.origin && request.headers.has("range")) {
    event.respondWith(fetch(request));
    return;
  }
  if (request.method !== "GET" || !isOwn) return;
  url.search = "";
  url.hash = "";
  if (url.pathname.endsWith("/index.html")) url.pathname = url.pathname.slice(0, -"index.html".length);
  event.respondWith(answer(request, url.href));
});

/** The kept file, or a part of it; else what the server says. */
async function answer(request, address) {
  const cache = await caches.open(kept);
  const found = await cache.match(address);
  if (found === undefined) return isolated(await fetch(request));
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  return isolated(range === null ? found : await part(found, Number(range[1]), range[2]));
}

async function part(whole, begin, last) {
  const content = await whole.blob();
  const end = Math.min(last === "" ? content.size : Number(last) + 1, content.size);
  const headers = new Headers(whole.headers);
  if (begin >= end) {
    headers.set("Content-Range", `bytes */${content.size}`);
    return new Response(null, { status: 416, headers });
  }
  headers.set("Content-Range", `bytes ${begin}-${end - 1}/${content.size}`);
  headers.set("Content-Length", String(end - begin));
  return new Response(content.slice(begin, end), { status: 206, headers });
}

function isolated(answer) {
  if (answer.status === 0) return answer;
  const headers = new Headers(answer.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  const body = answer.status === 204 || answer.status === 304 || answer.status === 416 ? null : answer.body;
  return new Response(body, { status: answer.status, statusText: answer.statusText, headers });
}
