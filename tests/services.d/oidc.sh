# A provider of identity: oidc-provider, from npm; it needs Node.js 20. Sets STUDIO_TEST_OIDC, its address.
# It knows alice and bob, who sign in without a password.

oidc_home="$HOME/.cache/studio/oidc-provider"
oidc_package="oidc-provider@9.6.0"
oidc_program="$(dirname "${BASH_SOURCE[0]}")/oidc.mjs"

start_oidc() {
    command -v npm >/dev/null || debian nodejs npm
    debian curl
    local directory="$state/oidc" port
    if [ "$(cat "$oidc_home/ready" 2>/dev/null)" != "$oidc_package" ]; then
        say "installing $oidc_package"
        rm -rf "$oidc_home"
        mkdir -p "$oidc_home"
        (cd "$oidc_home" && npm install --silent --no-audit --no-fund --save-exact "$oidc_package" >&2)
        printf '%s\n' "$oidc_package" >"$oidc_home/ready"
    fi
    rm -rf "$directory"
    mkdir -p "$directory"
    port="$(free_port)"
    setsid node "$oidc_program" "$oidc_home/node_modules" "$port" >"$state/oidc.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$directory/pid"
    wait_for "the provider of identity" \
        curl --silent --fail --noproxy '*' --max-time 5 "http://127.0.0.1:$port/.well-known/openid-configuration"
    printf 'export STUDIO_TEST_OIDC=http://127.0.0.1:%s\n' "$port" >>"$state/environment"
    say "a provider of identity listens on 127.0.0.1:$port"
}

stop_oidc() {
    [ -f "$state/oidc/pid" ] || return 0
    kill -KILL "$(cat "$state/oidc/pid")" 2>/dev/null || true
    rm -f "$state/oidc/pid"
}
