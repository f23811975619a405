// A provider of identity for tests: `oidc-provider` with a client for Studio, and people who sign in at once:
// whoever the address names in `login_hint`.
//
// Usage: node oidc.mjs FOLDER_OF_NODE_MODULES PORT

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [, , modules, port] = process.argv;
const require = createRequire(join(modules, "x.js"));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));

const issuer = `http://127.0.0.1:${port}`;
const people = {
  alice: { email: "alice@example.org", email_verified: true, name: "Alice Liddell", groups: ["grc"] },
  bob: { email: "bob@example.org", email_verified: false, name: "Bob", groups: [] },
};

const provider = new Provider(issuer, {
  // Any address of this machine: the server under test has a port of its own.
  clients: [
    {
      client_id: "studio",
      client_secret: "correct-horse",
      redirect_uris: ["http://127.0.0.1/login/oidc/work/callback"],
      application_type: "native",
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  scopes: ["openid", "email", "profile", "groups"],
  // Also the default: what scopes give is told by userinfo, and not in the token.
  conformIdTokenClaims: true,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, ...people[id] }),
  }),
  cookies: { keys: ["a key of the tests"] },
});

provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  const { params, prompt, session } = await provider.interactionDetails(context.req, context.res);
  let result;
  if (!people[params.login_hint]) result = { error: "access_denied" };
  else if (prompt.name === "login") result = { login: { accountId: params.login_hint } };
  else {
    const grant = new provider.Grant({ clientId: params.client_id, accountId: session.accountId });
    grant.addOIDCScope(params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false });
  context.respond = false;
});

provider.listen(Number(port), "127.0.0.1");
