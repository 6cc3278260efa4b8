import { afterEach, beforeEach, expect, test } from "vitest";

import { service } from "../src/service.js";

let running;
let at;

beforeEach(async () => {
  running = service();
  await new Promise((listening) => running.listen(0, "127.0.0.1", listening));
  at = `http://127.0.0.1:${running.address().port}`;
});

afterEach(() => running.close());

test("a link is made and followed", async () => {
  const made = await fetch(at, { method: "POST", body: "https://example.com/a" });
  expect(made.status).toBe(201);
  const name = (await made.text()).trim();
  const followed = await fetch(`${at}/${name}`, { redirect: "manual" });
  expect([followed.status, followed.headers.get("location")]).toEqual([302, "https://example.com/a"]);
});

test("what is no address is refused with the reason", async () => {
  const refused = await fetch(at, { method: "POST", body: "nowhere" });
  expect([refused.status, await refused.text()]).toEqual([422, "that is no address\n"]);
});

test("an address without end is not read to its end", async () => {
  const refused = await fetch(at, { method: "POST", body: "a".repeat(100_000) });
  expect(refused.status).toBe(422);
});

test("a link that nobody made is not found", async () => {
  expect((await fetch(`${at}/abcdef`)).status).toBe(404);
});

test("it says that it is well", async () => {
  expect((await fetch(`${at}/healthz`)).status).toBe(200);
});
