import { open } from "lfm2-wasm";

try {
  const model = await open();
  const prompt = await model.encodeChat([{ role: "user", content: "Hello!" }]);
  const ids = [];
  for await (const id of model.generate(prompt, { temperature: 0, maxTokens: 16 })) ids.push(id);
  await model.close();
  document.body.append(ids.join(" "));
} catch (error) {
  document.body.append(String(error));
}
