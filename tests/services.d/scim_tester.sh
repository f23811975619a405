# scim2-tester, a client that checks servers of SCIM 2.0, from PyPI; it needs Python 3.11. Sets
# STUDIO_TEST_SCIM, the Python that has it; tests run it themselves.

scim_tester_home="$HOME/.cache/studio/scim2-tester"
scim_tester_packages="scim2-tester==0.5.2 scim2-client[httpx2]==0.13.2 scim2-models==0.12.3"

start_scim_tester() {
    if [ "$(cat "$scim_tester_home/ready" 2>/dev/null)" != "$scim_tester_packages" ]; then
        say "installing scim2-tester"
        rm -rf "$scim_tester_home"
        python3 -m venv "$scim_tester_home" 2>/dev/null || {
            debian python3-venv
            python3 -m venv "$scim_tester_home"
        }
        # shellcheck disable=SC2086 # one word for each package
        "$scim_tester_home/bin/pip" install --quiet --disable-pip-version-check $scim_tester_packages >&2
        printf '%s\n' "$scim_tester_packages" >"$scim_tester_home/ready"
    fi
    printf 'export STUDIO_TEST_SCIM=%s\n' "$scim_tester_home/bin/python" >>"$state/environment"
}
