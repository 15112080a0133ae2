// What is seen is in the address: #/VIEW?model=…&prompt=…&token=…, so that a view can be linked.
import { signal } from "@preact/signals";

export const views = ["chat", "inside", "change", "oracle", "speed"] as const;
export type View = (typeof views)[number];

export interface Place {
  readonly view: View;
  readonly params: ReadonlyMap<string, string>;
}

export const place = signal<Place>(read());

addEventListener("hashchange", () => {
  place.value = read();
});

function read(): Place {
  const [, name = "", query = ""] = /^#\/?([a-z]*)\??(.*)$/s.exec(location.hash) ?? [];
  const view = views.find((known) => known === name) ?? "chat";
  return { view, params: new Map(new URLSearchParams(query)) };
}

export function addressOf({ view, params }: Place): string {
  const query = [...params].map(([name, value]) => `${name}=${readable(value)}`).join("&");
  return `#/${view}${query === "" ? "" : `?${query}`}`;
}

/** Percent-encoded, but for what is safe in a fragment and better read as it is. */
function readable(value: string): string {
  return encodeURIComponent(value).replace(/%(2C|3A|2F|40|20)/g, (code) =>
    code === "%20" ? "+" : decodeURIComponent(code),
  );
}

type Changes = Readonly<Record<string, string | number | undefined>>;

/** The place with these parameters; those that are undefined are left out. */
export function placeWith({ view, params }: Place, changes: Changes, to: View = view): Place {
  const next = new Map(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") next.delete(name);
    else next.set(name, String(value));
  }
  return { view: to, params: next };
}

/** Goes there: a step that the browser's back button takes back. */
export function visit(next: Place): void {
  history.pushState(null, "", addressOf(next));
  place.value = next;
}

/** Changes the address where a step back would be of no use: from token to token. */
export function adjust(changes: Changes): void {
  const next = placeWith(place.value, changes);
  history.replaceState(null, "", addressOf(next));
  place.value = next;
}

export const param = (name: string): string | undefined => place.value.params.get(name);

/** A parameter that is an index below `count`; `otherwise` if it is none. */
export function indexParam(name: string, count: number, otherwise: number): number {
  const text = param(name) ?? "";
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value < count ? value : Math.max(0, Math.min(otherwise, count - 1));
}
