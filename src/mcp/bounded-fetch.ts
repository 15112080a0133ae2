// fetch, for servers that are not trusted with this program's memory.

/** Of one response, a stream of events included. A call's result is refused far below. */
const MAX_BODY_BYTES = 1 << 24;

export async function boundedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.body === null) return response;
  let bytes = 0;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) controller.error(new Error(`a body of more than ${MAX_BODY_BYTES} bytes`));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(bound), { status, statusText, headers });
}
