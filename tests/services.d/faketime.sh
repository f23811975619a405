# A clock that a test can set, for the processes that it starts: libfaketime, from Debian's package.
# Sets STUDIO_TEST_FAKETIME, the library to preload.

start_faketime() {
    debian libfaketime
    local library
    library="$(dpkg -L libfaketime | grep '/libfaketimeMT\.so\.1$')"
    printf 'export STUDIO_TEST_FAKETIME=%s\n' "$library" >>"$state/environment"
}
