// The service: `POST /` with an address answers its name, `GET /NAME` leads there, `GET /healthz` answers.

import { createServer } from "node:http";

import { ADDRESS_CHARS_MAX, BadAddress, Links } from "./links.js";

export function service(links = new Links()) {
  return createServer(async (request, response) => {
    const [code, headers, text] = await answer(links, request);
    response.writeHead(code, headers).end(text);
  });
}

async function answer(links, request) {
  if (request.method === "POST") {
    try {
      return [201, {}, `${links.add(await body(request))}\n`];
    } catch (why) {
      if (why instanceof BadAddress) {
        return [422, {}, `${why.message}\n`];
      }
      throw why;
    }
  }
  if (request.url === "/healthz") {
    return [200, {}, "ok\n"];
  }
  const address = links.find(request.url.slice(1));
  return address === undefined ? [404, {}, "no such link\n"] : [302, { location: address }, ""];
}

async function body(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > ADDRESS_CHARS_MAX) {
      throw new BadAddress(`an address has at most ${ADDRESS_CHARS_MAX} characters`);
    }
  }
  return text.trim();
}
