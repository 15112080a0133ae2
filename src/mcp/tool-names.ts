// Names under which a model knows the tools of several servers.

export interface Named {
  readonly server: string;
  readonly name: string;
}

/**
 * Each tool keeps its name if no other server has one of the same name. All those that share a name get their server's
 * in front, `files_read`, and a number behind it if that is taken, too.
 */
export function uniqueNames(tools: readonly Named[]): string[] {
  const counts = new Map<string, number>();
  for (const { name } of tools) counts.set(name, (counts.get(name) ?? 0) + 1);
  const taken = new Set([...counts].filter(([, count]) => count === 1).map(([name]) => name));
  return tools.map(({ server, name }) => {
    if (counts.get(name) === 1) return name;
    const prefixed = `${server.replace(/[^\w-]+/g, "_")}_${name}`;
    let unique = prefixed;
    for (let i = 2; taken.has(unique); i++) unique = `${prefixed}_${i}`;
    taken.add(unique);
    return unique;
  });
}
