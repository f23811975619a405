import assert from "node:assert/strict";
import test from "node:test";

import "./browser.mjs";
import { events, positions } from "../client.js";

async function read(chunks) {
  const found = [];
  for await (const event of events(ReadableStream.from(chunks.map((chunk) => Buffer.from(chunk)))))
    found.push(event);
  return found;
}

test("events are the same wherever the bytes are cut", async () => {
  const bytes = Buffer.from(
    ': hello\n\nevent: next\r\ndata: {"a":"€"}\r\n\r\nevent:next\ndata: 1\ndata: 2\n\nid: 7\nevent: complete\ndata\n\nevent: next\ndata: cut',
  );
  const expected = [
    { event: "next", data: '{"a":"€"}' },
    { event: "next", data: "1\n2" },
    { event: "complete", data: "" },
  ];
  assert.deepEqual(await read([bytes]), expected);
  for (let at = 1; at < bytes.length; at += 1) {
    assert.deepEqual(await read([bytes.subarray(0, at), bytes.subarray(at)]), expected);
  }
  assert.deepEqual(await read(Array.from(bytes, (byte) => Buffer.from([byte]))), expected);
});

test("the newest positions are said back", () => {
  assert.deepEqual(positions.say(), {});
  for (const said of ["controls=42; evidence=17", "controls=41", "nonsense", "ai=x", "=3"]) {
    positions.hear(new Headers({ "studio-positions": said }));
  }
  positions.hear(new Headers());
  assert.deepEqual(positions.say(), { "studio-positions": "controls=42;evidence=17" });
});
