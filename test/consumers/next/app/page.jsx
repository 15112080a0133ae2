"use client";
import { useEffect, useState } from "react";

export default function Page() {
  const [text, setText] = useState("");
  useEffect(() => {
    const leaving = new AbortController();
    answer(leaving.signal).then(setText, (error) => leaving.signal.aborted || setText(String(error)));
    return () => leaving.abort();
  }, []);
  return text;
}

async function answer(signal) {
  const { open } = await import("lfm2-wasm");
  const model = await open(undefined, { signal });
  const prompt = await model.encodeChat([{ role: "user", content: "Hello!" }]);
  const ids = [];
  for await (const id of model.generate(prompt, { temperature: 0, maxTokens: 16, signal })) ids.push(id);
  await model.close();
  return ids.join(" ");
}
