// Rows of text in aligned columns.

/** @param alignment  one of `l` and `r` per column */
export function alignColumns(rows: readonly (readonly string[])[], alignment: string): string[] {
  const widths = Array.from(alignment, (_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    const cells = row.map((cell, i) => (alignment[i] === "r" ? cell.padStart(widths[i]) : cell.padEnd(widths[i])));
    return `  ${cells.join("  ")}`.trimEnd();
  });
}
