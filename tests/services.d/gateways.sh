# Gateways of others to measure beside ours, from npm; they need Node.js 20. Sets STUDIO_TEST_GATEWAYS,
# the folder of their node_modules; the benchmark starts them itself.

gateways="$HOME/.cache/studio/gateways"

start_gateways() {
    command -v npm >/dev/null || debian nodejs npm
    if [ ! -f "$gateways/ready" ]; then
        say "installing the gateways to compare with"
        rm -rf "$gateways"
        mkdir -p "$gateways"
        (cd "$gateways" && npm install --silent --no-audit --no-fund \
            @graphql-hive/gateway@2.15.1 @graphql-hive/router-runtime@1.4.23 \
            @apollo/gateway@2.14.4 @apollo/server@5.5.1 graphql@16.15.0 >&2)
        touch "$gateways/ready"
    fi
    printf 'export STUDIO_TEST_GATEWAYS=%s\n' "$gateways" >>"$state/environment"
}
