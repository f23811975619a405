# A stand-in for a key management service: moto, from PyPI, which encrypts and decrypts for real and
# checks the encryption context, but holds its keys in memory and lets anyone in. Sets
# STUDIO_TEST_KMS_STAND_IN.

kms_stand_in_home="$HOME/.cache/studio/venvs/moto"

start_kms_stand_in() {
    debian curl
    local directory="$state/kms_stand_in" port
    if [ ! -x "$kms_stand_in_home/bin/moto_server" ]; then
        say "installing moto"
        rm -rf "$kms_stand_in_home"
        mkdir -p "$(dirname "$kms_stand_in_home")"
        python3 -m venv "$kms_stand_in_home" >&2 || { debian python3-venv && python3 -m venv "$kms_stand_in_home" >&2; }
        # All of moto's "server" takes minutes to resolve; this is what KMS needs of it.
        "$kms_stand_in_home/bin/pip" install --quiet --disable-pip-version-check \
            "moto[kms]==5.*" flask flask-cors >&2
    fi
    rm -rf "$directory"
    mkdir -p "$directory"
    port="$(free_port)"
    setsid "$kms_stand_in_home/bin/moto_server" -H 127.0.0.1 -p "$port" >"$state/kms_stand_in.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$directory/pid"
    wait_for "the stand-in for a key management service" \
        curl --silent --fail --max-time 5 "http://127.0.0.1:$port/moto-api/"
    printf 'export STUDIO_TEST_KMS_STAND_IN=http://127.0.0.1:%s\n' "$port" >>"$state/environment"
    say "the stand-in for a key management service listens on 127.0.0.1:$port"
}

stop_kms_stand_in() {
    [ -f "$state/kms_stand_in/pid" ] || return 0
    kill -KILL "$(cat "$state/kms_stand_in/pid")" 2>/dev/null || true
    rm -f "$state/kms_stand_in/pid"
}
