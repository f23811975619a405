# The reference clients of graphql-transport-ws and graphql-sse, from npm; they need Node.js 20. Sets
# STUDIO_TEST_GRAPHQL_CLIENTS, the folder of their node_modules; tests run them themselves.

graphql_clients="$HOME/.cache/studio/graphql-clients"

start_graphql_clients() {
    command -v npm >/dev/null || debian nodejs npm
    if [ ! -f "$graphql_clients/ready" ]; then
        say "installing the reference clients of GraphQL's protocols"
        rm -rf "$graphql_clients"
        mkdir -p "$graphql_clients"
        (cd "$graphql_clients" && npm install --silent --no-audit --no-fund \
            graphql-ws@6.4.2 graphql-sse@2.6.1 graphql@16 ws@8 >&2)
        touch "$graphql_clients/ready"
    fi
    printf 'export STUDIO_TEST_GRAPHQL_CLIENTS=%s\n' "$graphql_clients" >>"$state/environment"
}
