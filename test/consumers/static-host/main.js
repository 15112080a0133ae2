import { open } from "lfm2-wasm";

if (!crossOriginIsolated) await new Promise(() => {}); // the page is about to be loaded again
try {
  const model = await open();
  const prompt = await model.encodeChat([{ role: "user", content: "Hello!" }]);
  const ids = [];
  for await (const id of model.generate(prompt, { temperature: 0, maxTokens: 16 })) ids.push(id);
  await model.close();
  document.body.append(
    model.settings.threads > 1 || navigator.hardwareConcurrency === 1 ? ids.join(" ") : "one thread",
  );
} catch (error) {
  document.body.append(String(error));
}
