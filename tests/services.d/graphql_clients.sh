# The reference clients of graphql-transport-ws and graphql-sse, Apollo Client and urql, from npm; they
# need Node.js 20. Sets STUDIO_TEST_GRAPHQL_CLIENTS, the folder of their node_modules; tests run them
# themselves.

graphql_clients="$HOME/.cache/studio/graphql-clients"
graphql_client_packages="graphql-ws@6.4.2 graphql-sse@2.6.1 @apollo/client@4.3.8 @urql/core@6.0.3 \
    rxjs@7.8.2 graphql@16.15.0 ws@8.23.0"

start_graphql_clients() {
    command -v npm >/dev/null || debian nodejs npm
    # Installed anew when other versions are named.
    if [ "$(cat "$graphql_clients/ready" 2>/dev/null)" != "$graphql_client_packages" ]; then
        say "installing clients of GraphQL"
        rm -rf "$graphql_clients"
        mkdir -p "$graphql_clients"
        # shellcheck disable=SC2086 # one word for each package
        (cd "$graphql_clients" && npm install --silent --no-audit --no-fund \
            --save-exact $graphql_client_packages >&2)
        printf '%s\n' "$graphql_client_packages" >"$graphql_clients/ready"
    fi
    printf 'export STUDIO_TEST_GRAPHQL_CLIENTS=%s\n' "$graphql_clients" >>"$state/environment"
}
