// Light or dark: as the system has it, unless the reader has chosen.
import { computed, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const KEY = "lfm2-theme";
const themes: readonly Theme[] = ["auto", "light", "dark"];

export const theme = signal<Theme>(themes.find((known) => known === localStorage.getItem(KEY)) ?? "auto");

export function applyTheme(next: Theme = theme.value): void {
  theme.value = next;
  localStorage.setItem(KEY, next);
  document.documentElement.dataset.theme = next;
}

export function nextTheme(): void {
  applyTheme(themes[(themes.indexOf(theme.value) + 1) % themes.length]);
}

const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", ({ matches }) => {
  systemIsDark.value = matches;
});

/** For what is drawn on a canvas, which styles do not reach. */
export const isDark = computed(() => (theme.value === "auto" ? systemIsDark.value : theme.value === "dark"));
