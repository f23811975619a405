# Chromium and its driver, from Debian's packages. Sets STUDIO_TEST_CHROMEDRIVER; tests start
# browsers themselves.

start_chromium() {
    debian chromium chromium-driver
    printf 'export STUDIO_TEST_CHROMEDRIVER=%s\n' "$(command -v chromedriver)" >>"$state/environment"
}
