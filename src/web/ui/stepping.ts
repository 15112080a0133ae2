// Arrow keys from one button of a row to the next; Tab leaves the row.

/** A handler of a row's keys: its buttons have `tabIndex` −1 but for one. */
export function stepAmong(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  const edge = { Home: 0, End: -1 }[event.key];
  if ((step === undefined && edge === undefined) || event.altKey || event.ctrlKey || event.metaKey) return;
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>("button")];
  const at = buttons.indexOf(document.activeElement as HTMLElement);
  const next = edge === undefined ? buttons[at + (step as number)] : buttons.at(edge);
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}

/**
 * Scrolls a row to what is chosen in it, but not the page; the keyboard's focus goes there, too, if it was in the row.
 */
export function keepInSight(row: HTMLElement | null, chosen: HTMLElement | null): void {
  if (row === null || chosen === null) return;
  const [outer, inner] = [row.getBoundingClientRect(), chosen.getBoundingClientRect()];
  const by = (from: number, to: number, least: number, most: number): number =>
    from < least ? from - least : to > most ? to - most : 0;
  row.scrollBy(
    by(inner.left, inner.right, outer.left, outer.right),
    by(inner.top, inner.bottom, outer.top, outer.bottom),
  );
  if (row.contains(document.activeElement)) chosen.focus({ preventScroll: true });
}
