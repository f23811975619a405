// Fetches a file over REST as the signed-in person and hands it to the browser to save. A plain link
// would not do: the access token goes in a header.

import { ApiError, credentials, positions, renew } from "./client.js";

/** The most bytes of which the page itself takes the hash: it holds them in memory for that. */
const CHECKED = 64 * 1024 * 1024;

/**
 * Saves the file at `path`. Answers with its name and its SHA-256 in hexadecimal, or `null` for the
 * hash where the page cannot take it: the file is too large, or the page came over plain HTTP.
 */
export async function download(path) {
  let response = await get(path);
  if (response.status === 401 && (await renew())) response = await get(path);
  if (!response.ok) throw await refusal(response);
  const name = nameOf(response);
  let file;
  try {
    file = await response.blob();
  } catch {
    throw new ApiError("NETWORK", "The download broke off. Try again.");
  }
  save(file, name);
  return { name, sha256: await hash(file) };
}

async function get(path) {
  try {
    const headers = { ...positions.say(), ...(await credentials()) };
    return await fetch(path, { headers, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError("NETWORK", "The server cannot be reached. Check that it runs and try again.");
  }
}

/** REST errors are problem documents (RFC 9457). */
async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  return new ApiError(
    problem.code ?? "INTERNAL",
    problem.detail ?? `The server answered with HTTP ${response.status}.`,
  );
}

/** The name that `Content-Disposition` gives. */
export function nameOf(response) {
  const said = response.headers.get("content-disposition") ?? "";
  return /filename="([^"]+)"/.exec(said)?.[1] ?? "download";
}

function save(file, name) {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun to read it by then; nothing tells when it is done.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The SHA-256 of a file, in hexadecimal. */
export async function hash(file) {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle || file.size > CHECKED) return null;
  const digest = await subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
