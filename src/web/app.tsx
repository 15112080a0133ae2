// The frame of the page: the views, the model in use, and the view that the address names.
import type { FunctionComponent } from "preact";
import { lazy, Suspense } from "preact/compat";
import { ChatView } from "./chat/chat-view.tsx";
import { ModelButton } from "./model/model-panel.tsx";
import { nextTheme, theme } from "./ui/theme.ts";
import { addressOf, place, placeWith, type View, views } from "./url.ts";

const titles: Record<View, string> = {
  chat: "Chat",
  inside: "Look inside",
  change: "Change it",
  oracle: "Oracle",
  speed: "Speed",
};

const shown: Record<View, FunctionComponent> = {
  chat: ChatView,
  inside: lazy(() => import("./inside/inside-view.tsx").then(({ InsideView }) => InsideView)),
  change: lazy(() => import("./change/change-view.tsx").then(({ ChangeView }) => ChangeView)),
  oracle: lazy(() => import("./oracle/oracle-view.tsx").then(({ OracleView }) => OracleView)),
  speed: lazy(() => import("./speed/speed-view.tsx").then(({ SpeedView }) => SpeedView)),
};

export function App() {
  const { view } = place.value;
  const Shown = shown[view];
  document.title = `${titles[view]} · LFM2 in this page`;
  return (
    <div class="app">
      <header class="top">
        <a class="name" href="#/chat" aria-label="LFM2 in this page">
          <img src="./icon.svg" alt="" width="20" height="20" />
          <b>LFM2</b>
        </a>
        <nav aria-label="Views">
          {views.map((name) => (
            <a key={name} href={addressOf(carried(name))} aria-current={name === view ? "page" : undefined}>
              {titles[name]}
            </a>
          ))}
        </nav>
        <span class="grow" />
        <ModelButton />
        <button type="button" class="button quiet theme" onClick={nextTheme} title={`Theme: ${theme.value}`}>
          <span aria-hidden="true">{{ auto: "◐", light: "☀", dark: "☾" }[theme.value]}</span>
          <span class="unseen">Theme: {theme.value}</span>
        </button>
      </header>
      <main>
        <Suspense fallback={<p class="waiting">Loading this view…</p>}>
          <Shown />
        </Suspense>
      </main>
    </div>
  );
}

/** The same model and text, seen in another view. */
function carried(view: View) {
  const { params } = place.value;
  const kept = ["model", "hub", "prompt", "ids", "answer", "seed", "edit"].filter(
    (name) => view !== "chat" || name === "model" || name === "hub",
  );
  return placeWith({ view, params: new Map([...params].filter(([name]) => kept.includes(name))) }, {}, view);
}
