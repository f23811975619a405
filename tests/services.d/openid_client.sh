# A client library of OpenID Connect that is much used: openid-client, from npm; it needs Node.js 20. Sets
# STUDIO_TEST_OPENID_CLIENT, the folder of its node_modules; tests run it themselves.

openid_client="$HOME/.cache/studio/openid-client"
openid_client_package="openid-client@6.9.0"

start_openid_client() {
    command -v npm >/dev/null || debian nodejs npm
    # Installed anew when another version is named.
    if [ "$(cat "$openid_client/ready" 2>/dev/null)" != "$openid_client_package" ]; then
        say "installing $openid_client_package"
        rm -rf "$openid_client"
        mkdir -p "$openid_client"
        (cd "$openid_client" && npm install --silent --no-audit --no-fund --save-exact "$openid_client_package" >&2)
        printf '%s\n' "$openid_client_package" >"$openid_client/ready"
    fi
    printf 'export STUDIO_TEST_OPENID_CLIENT=%s\n' "$openid_client/node_modules" >>"$state/environment"
}
