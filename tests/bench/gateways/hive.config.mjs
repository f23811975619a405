// Hive Gateway: identical requests under way share one answer, or none do.
const share = process.env.BENCH_SHARE === "1";

export const gatewayConfig = {
  graphqlEndpoint: "/graphql",
  inboundInflightRequestDeduplication: share,
  transportEntries: { "*.http": { options: { deduplicateInflightRequests: share } } },
  logging: "warn",
  landingPage: false,
  graphiql: false,
};
