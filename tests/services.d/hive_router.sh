# Hive Router to measure beside ours, built from its crate as one unit, with Rust 1.97; that takes half an
# hour on two cores. Its feature `graphiql` leaves out a page that would be fetched while it is built. Sets
# STUDIO_TEST_HIVE_ROUTER, the program; the benchmark starts it itself.

hive_router="$HOME/.cache/studio/hive-router"

start_hive_router() {
    if [ ! -x "$hive_router/bin/hive_router" ]; then
        local toolchain=()
        case "$(rustc --version)" in
            "rustc 1.9"[0-6].*) toolchain=(+nightly) ;;
        esac
        say "building Hive Router"
        CARGO_TARGET_DIR="$hive_router/target" CARGO_PROFILE_RELEASE_DEBUG=0 \
            CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
            cargo "${toolchain[@]}" install hive-router --version 0.3.10 --locked \
            --features graphiql --bin hive_router --root "$hive_router" >&2
        rm -rf "$hive_router/target"
    fi
    printf 'export STUDIO_TEST_HIVE_ROUTER=%s\n' "$hive_router/bin/hive_router" >>"$state/environment"
}
