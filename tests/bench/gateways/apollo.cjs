// Apollo Gateway behind Apollo Server, as its documentation starts it.
const { readFileSync } = require("node:fs");
const { ApolloGateway } = require("@apollo/gateway");
const { ApolloServer } = require("@apollo/server");
const { startStandaloneServer } = require("@apollo/server/standalone");

const gateway = new ApolloGateway({
  supergraphSdl: readFileSync(process.env.BENCH_SUPERGRAPH, "utf8"),
});
const server = new ApolloServer({ gateway, csrfPrevention: false });
startStandaloneServer(server, { listen: { host: "127.0.0.1", port: Number(process.env.BENCH_PORT) } });
