// For `node --import`: lets Node before 22.18 read TypeScript, in worker threads too, where `--import tsx` does not.
if (!process.features.typescript) {
  const { register } = await import("tsx/esm/api");
  register();
}
