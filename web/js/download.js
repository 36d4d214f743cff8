// A file that the server writes while it is read. Chunks go into a blob, which browsers keep on disk when it grows.
import { refreshSession } from "./session.js";

const post = (path, body, signal) =>
  fetch(path, { method: "POST", body, signal, headers: { "Content-Type": "application/json", "X-Cordwood-Request": "1" } });

export async function download(path, body, name, progress, signal) {
  let answer = await post(path, body, signal);
  if (answer.status === 401 && (await refreshSession())) answer = await post(path, body, signal);
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || `The server answered ${answer.status}.`);
  }
  let bytes = 0;
  const counted = new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      progress(bytes);
      controller.enqueue(chunk);
    },
  });
  const blob = await new Response(answer.body.pipeThrough(counted)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return bytes;
}
