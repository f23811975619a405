# PostgreSQL, from Debian's package: a primary (STUDIO_TEST_POSTGRES; over TLS and with a password
# STUDIO_TEST_POSTGRES_TLS, whose authority is in the file STUDIO_TEST_POSTGRES_CA) and a standby that
# streams from it (STUDIO_TEST_POSTGRES_REPLICA). Pause and resume know both, as postgres and
# postgres_replica; `promote postgres_replica` makes the standby a primary.

# PostgreSQL refuses to run as root, so it runs as its own user there.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@"); else "$@"; fi
}

postgres_bin() { cat "$state/postgres.bin"; }

# postgres_up primary|replica: starts it on the port it always has and waits until it answers.
postgres_up() {
    local directory="$state/postgres" port
    port="$(cat "$directory/$1.port")"
    as_postgres "$(postgres_bin)/pg_ctl" -D "$directory/$1" -l "$directory/$1.log" -w -t 60 \
        -o "-p $port" start >>"$state/postgres.log"
    wait_for "PostgreSQL ($1)" postgres_ask "$1" postgres 'select 1'
}

# postgres_ask primary|replica DATABASE STATEMENT
postgres_ask() {
    as_postgres "$(postgres_bin)/psql" -h 127.0.0.1 -p "$(cat "$state/postgres/$1.port")" -U studio -d "$2" -Atqc "$3"
}

# As a crash: nothing is flushed, nobody is told.
postgres_crash() {
    as_postgres "$(postgres_bin)/pg_ctl" -D "$state/postgres/$1" -m immediate -w stop >>"$state/postgres.log"
}

start_postgres() {
    debian postgresql
    local directory="$state/postgres" primary replica
    find /usr/lib/postgresql -maxdepth 1 -mindepth 1 | sort -V | tail -n 1 | sed 's|$|/bin|' >"$state/postgres.bin"
    rm -rf "$directory"
    mkdir -p "$directory"
    primary="$(free_port)"
    replica="$(free_port)"
    printf '%s\n' "$primary" >"$directory/primary.port"
    printf '%s\n' "$replica" >"$directory/replica.port"
    certificate postgres
    cp "$state/tls/postgres.crt" "$state/tls/postgres.key" "$directory"
    chmod 600 "$directory/postgres.key"
    [ "$(id -u)" -ne 0 ] || chown -R postgres "$directory"

    as_postgres "$(postgres_bin)/initdb" -D "$directory/primary" -U studio --auth=trust --encoding=UTF8 --locale=C >"$state/postgres.log"
    # shellcheck disable=SC2016
    as_postgres sh -c 'cat >>"$0/primary/postgresql.conf"' "$directory" <<EOF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$directory'
max_connections = 200
ssl = on
ssl_cert_file = '$directory/postgres.crt'
ssl_key_file = '$directory/postgres.key'
hot_standby_feedback = on
wal_keep_size = '256MB'
EOF
    # One user who must come over TLS and say a password; the others are trusted.
    # shellcheck disable=SC2016
    as_postgres sh -c 'printf "%s\n" "hostssl all guarded 127.0.0.1/32 scram-sha-256" \
        "host all guarded 127.0.0.1/32 reject" | cat - "$0" >"$0.new" && mv "$0.new" "$0"' \
        "$directory/primary/pg_hba.conf"
    postgres_up primary
    postgres_ask primary postgres 'CREATE DATABASE studio'
    postgres_ask primary postgres "CREATE ROLE guarded LOGIN PASSWORD 'correct-horse'"
    postgres_ask primary postgres 'GRANT CREATE ON DATABASE studio TO guarded'

    as_postgres "$(postgres_bin)/pg_basebackup" -h 127.0.0.1 -p "$primary" -U studio -D "$directory/replica" \
        -R -X stream -c fast >>"$state/postgres.log" 2>&1
    postgres_up replica
    {
        printf 'export STUDIO_TEST_POSTGRES=postgres://studio@127.0.0.1:%s/studio\n' "$primary"
        printf 'export STUDIO_TEST_POSTGRES_TLS=postgres://guarded:correct-horse@localhost:%s/studio\n' "$primary"
        printf 'export STUDIO_TEST_POSTGRES_CA=%s\n' "$state/tls/ca.crt"
        printf 'export STUDIO_TEST_POSTGRES_REPLICA=postgres://studio@127.0.0.1:%s/studio\n' "$replica"
    } >>"$state/environment"
    say "PostgreSQL listens on 127.0.0.1:$primary, its standby on $replica"
}

pause_postgres() { postgres_crash primary; }
resume_postgres() { postgres_up primary; }
pause_postgres_replica() { postgres_crash replica; }
resume_postgres_replica() { postgres_up replica; }

promote_postgres_replica() {
    as_postgres "$(postgres_bin)/pg_ctl" -D "$state/postgres/replica" -w -t 60 promote >>"$state/postgres.log"
}

stop_postgres() {
    [ -f "$state/postgres.bin" ] || return 0
    local server
    for server in replica primary; do
        if [ -f "$state/postgres/$server/postmaster.pid" ]; then
            as_postgres "$(postgres_bin)/pg_ctl" -D "$state/postgres/$server" -m immediate -w stop >/dev/null || true
        fi
    done
    rm -f "$state/postgres.bin"
}
