// An app on its person's machine, by npm's openid-client: node openid_client.mjs MODULES ISSUER ID SECRET PORT.
// /start leads to the server, with the parameters of its own address; /cb takes the answer, does all that the
// library does with it, and shows how it went.

import http from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, issuer, id, secret, port] = process.argv.slice(2);
const client = await import(pathToFileURL(join(modules, "openid-client/build/index.js")));
const own = `http://127.0.0.1:${port}`;
const config = await client.discovery(
  new URL(issuer),
  id,
  { client_secret: secret, id_token_signed_response_alg: "EdDSA" },
  undefined,
  { execute: [client.allowInsecureRequests] },
);
let begun = null;

async function start(asked) {
  const verifier = client.randomPKCECodeVerifier();
  begun = { verifier, state: client.randomState(), nonce: client.randomNonce(), keep: asked.has("keep") };
  asked.delete("keep");
  return client.buildAuthorizationUrl(config, {
    redirect_uri: `${own}/cb`,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: begun.state,
    nonce: begun.nonce,
    ...Object.fromEntries(asked),
  });
}

async function answered(url) {
  const tokens = await client.authorizationCodeGrant(config, url, {
    pkceCodeVerifier: begun.verifier,
    expectedState: begun.state,
    expectedNonce: begun.nonce,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  const about = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  const during = await client.tokenIntrospection(config, next.access_token);
  if (!begun.keep) await client.tokenRevocation(config, next.refresh_token);
  const after = await client.tokenIntrospection(config, next.access_token);
  return { name: about.name, email: about.email, amr: claims.amr, scope: during.scope, during: during.active, after: after.active };
}

http
  .createServer(async (request, response) => {
    const url = new URL(request.url, own);
    try {
      if (url.pathname === "/start") {
        response.writeHead(302, { location: (await start(url.searchParams)).href }).end();
        return;
      }
      if (url.pathname !== "/cb") {
        response.writeHead(404).end();
        return;
      }
      const told = JSON.stringify(await answered(url));
      response.writeHead(200, { "content-type": "text/html" }).end(`<main>done ${told}</main>`);
    } catch (error) {
      const why = error.error ?? `${error.code} ${error.message} ${error.cause ?? ""}`;
      response.writeHead(200, { "content-type": "text/html" }).end(`<main>failed ${why}</main>`);
    }
  })
  .listen(Number(port), "127.0.0.1", () => console.log("ready"));
