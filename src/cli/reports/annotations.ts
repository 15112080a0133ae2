// Messages that GitHub Actions shows beside a change.

/** @source GitHub's workflow commands: % and line ends are escaped, in properties also colons and commas */
export function annotation(level: "error" | "warning" | "notice", title: string, message: string): string {
  const escaped = (text: string): string => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = escaped(title).replaceAll(":", "%3A").replaceAll(",", "%2C");
  return `::${level} title=${property}::${escaped(message)}\n`;
}
