// Small parts that every view uses.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";

type ButtonProps = Omit<JSX.HTMLAttributes<HTMLButtonElement>, "type"> & {
  readonly disabled?: boolean;
  readonly kind?: "plain" | "primary" | "quiet";
};

export function Button({ kind = "plain", class: more, ...rest }: ButtonProps) {
  return <button type="button" {...rest} class={`button ${kind} ${more ?? ""}`} />;
}

/** Copies what `text` gives when it is pressed, and says so. */
export function CopyButton({ text, label = "Copy" }: { readonly text: () => string; readonly label?: string }) {
  const [done, setDone] = useState<"" | "Copied" | "Not copied">("");
  const copy = async (): Promise<void> => {
    setDone(
      await navigator.clipboard.writeText(text()).then(
        () => "Copied" as const,
        () => "Not copied" as const,
      ),
    );
    setTimeout(() => setDone(""), 1500);
  };
  return (
    <Button kind="quiet" onClick={copy}>
      <span aria-live="polite">{done || label}</span>
    </Button>
  );
}

export function Problem({ children }: { readonly children: ComponentChildren }) {
  return (
    <p class="problem" role="alert">
      {children}
    </p>
  );
}

export function Field({
  label,
  hint,
  children,
}: {
  readonly label: string;
  readonly hint?: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label class="field">
      <span class="field-name">{label}</span>
      {children}
      {hint && <span class="hint">{hint}</span>}
    </label>
  );
}

export function Bar({ share, label }: { readonly share: number; readonly label: string }) {
  return <progress class="bar" max={1} value={Math.min(1, Math.max(0, share))} aria-label={label} />;
}

/** Hands a file to the reader. */
export function saveFile(name: string, text: string, type = "application/json"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Text of a token where it must not run away: spaces and line ends can be seen, and marks that turn text around. */
export function visibleToken(text: string): string {
  return text
    .replace(/\n/g, "⏎")
    .replace(/\t/g, "⇥")
    .replace(/^ | $/g, "·")
    .replace(
      /[\u0000-\u001f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
      (c) => `U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
    );
}

export function number(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  return value
    .toFixed(digits)
    .replace(/^-(0(\.0+)?)$/, "$1")
    .replace("-", "−");
}
