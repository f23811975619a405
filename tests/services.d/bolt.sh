# A Bolt server: ArcadeDB with its Bolt plug-in and a JRE, all of it from PyPI. Sets STUDIO_TEST_BOLT,
# with the user and the password in the address.

bolt_venv="$HOME/.cache/studio/venvs/arcadedb"

install_bolt() {
    [ -f "$bolt_venv/ready" ] && return 0
    say "installing the Bolt server"
    rm -rf "$bolt_venv"
    mkdir -p "$(dirname "$bolt_venv")"
    python3 -m venv "$bolt_venv"
    # The package is for Python programs that embed the server; its jars and its JRE are all we use.
    "$bolt_venv/bin/pip" install --quiet --disable-pip-version-check --no-deps arcadedb-embedded
    # Asks the first question.
    "$bolt_venv/bin/pip" install --quiet --disable-pip-version-check neo4j
    touch "$bolt_venv/ready"
}

bolt_answers() {
    "$bolt_venv/bin/python" - "$1" "$2" <<'PYTHON'
import sys
from neo4j import GraphDatabase
address, password = sys.argv[1:]
with GraphDatabase.driver(address, auth=("root", password), connection_timeout=5) as driver:
    assert driver.execute_query("RETURN 1 AS one").records[0]["one"] == 1
PYTHON
}

start_bolt() {
    install_bolt
    local bolt http password
    bolt="$(free_port)"
    http="$(free_port)"
    password="$(python3 -c 'import secrets; print(secrets.token_hex(12))')"
    rm -rf "$state/bolt"
    mkdir -p "$state/bolt"
    (umask 077 && printf '%s %s %s\n' "$bolt" "$http" "$password" >"$state/bolt.settings")
    resume_bolt
    printf 'export STUDIO_TEST_BOLT=bolt://root:%s@127.0.0.1:%s\n' "$password" "$bolt" \
        >>"$state/environment"
    say "the Bolt server listens on 127.0.0.1:$bolt"
}

# Starts it on the ports and the data that start_bolt chose.
resume_bolt() {
    local bolt http password home
    read -r bolt http password <"$state/bolt.settings"
    home="$(echo "$bolt_venv"/lib/python3*/site-packages/arcadedb_embedded)"
    # It writes its own log where it stands.
    (cd "$state" && exec "$home/jre/bin/java" -Xmx1g --add-modules jdk.incubator.vector \
        --add-opens java.base/java.nio.channels.spi=ALL-UNNAMED \
        -Darcadedb.server.rootPath="$state/bolt" \
        -Darcadedb.server.rootPassword="$password" \
        -Darcadedb.server.httpIncomingHost=127.0.0.1 -Darcadedb.server.httpIncomingPort="$http" \
        -Darcadedb.bolt.host=127.0.0.1 -Darcadedb.bolt.port="$bolt" \
        '-Darcadedb.server.defaultDatabases=neo4j[root]' \
        -Darcadedb.server.plugins=Bolt:com.arcadedb.bolt.BoltProtocolPlugin \
        -cp "$home/jars/*" com.arcadedb.server.ArcadeDBServer) >>"$state/bolt.log" 2>&1 &
    printf '%s\n' "$!" >"$state/bolt.pid"
    wait_for "the Bolt server" bolt_answers "bolt://127.0.0.1:$bolt" "$password"
}

# Ends the process at once: what it acknowledged must be on the disk.
pause_bolt() {
    [ -f "$state/bolt.pid" ] || return 0
    local pid
    pid="$(cat "$state/bolt.pid")"
    kill -9 "$pid" 2>/dev/null || true
    # Where nobody collects it at once, a dead process is still listed, as a zombie.
    while grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$pid/status"; do sleep 0.05; done
    rm -f "$state/bolt.pid"
}

stop_bolt() {
    pause_bolt
    rm -rf "$state/bolt" "$state/bolt.settings"
}
