# Redis, from Debian's package, in the three shapes that Studio knows: one server with a password
# (STUDIO_TEST_REDIS), one that speaks TLS alone (STUDIO_TEST_REDIS_TLS, whose authority is in the
# file STUDIO_TEST_REDIS_CA), and a cluster of three nodes (STUDIO_TEST_REDIS_CLUSTER).
# `pause` kills the first of them, and `resume` starts it, empty (Redis holds nothing that Studio cannot
# lose), on the same port.

redis_password=correct-horse

# redis_node NAME PORT OPTION…: starts one server and leaves its pid in $state/redis/NAME/pid.
redis_node() {
    local directory="$state/redis/$1"
    mkdir -p "$directory"
    redis-server --bind 127.0.0.1 --dir "$directory" --pidfile "$directory/pid" --daemonize yes \
        --logfile "$directory/log" --save '' --appendonly no --requirepass "$redis_password" \
        --masterauth "$redis_password" "${@:2}" >/dev/null
}

redis_answers() { REDISCLI_AUTH="$redis_password" redis-cli -h 127.0.0.1 "$@" ping | grep -q PONG; }

# Whether it answers within ten seconds.
redis_answers_soon() {
    for _ in {1..100}; do
        redis_answers -p "$1" 2>/dev/null && return 0
        sleep 0.1
    done
    return 1
}

start_redis() {
    debian redis-server
    local directory="$state/redis" port tls ports=() nodes node
    rm -rf "$directory"
    mkdir -p "$directory"

    free_port >"$directory/port"
    resume_redis
    port="$(cat "$directory/port")"
    printf 'export STUDIO_TEST_REDIS=redis://:%s@127.0.0.1:%s\n' "$redis_password" "$port" >>"$state/environment"

    tls="$(free_port)"
    certificate redis
    redis_node tls --port 0 --tls-port "$tls" --tls-auth-clients no --tls-ca-cert-file "$state/tls/ca.crt" \
        --tls-cert-file "$state/tls/redis.crt" --tls-key-file "$state/tls/redis.key"
    wait_for 'Redis over TLS' redis_answers -p "$tls" --tls --cacert "$state/tls/ca.crt"
    printf 'export STUDIO_TEST_REDIS_TLS=rediss://:%s@localhost:%s\n' "$redis_password" "$tls" >>"$state/environment"
    printf 'export STUDIO_TEST_REDIS_CA=%s\n' "$state/tls/ca.crt" >>"$state/environment"

    for node in 1 2 3; do
        # Somebody else may take a port after it was seen to be free: then there are others.
        for _ in 1 2 3; do
            port="$(free_port)"
            redis_node "cluster-$node" --port "$port" --cluster-enabled yes --cluster-port "$(free_port)" \
                --cluster-node-timeout 2000
            redis_answers_soon "$port" && break
        done
        wait_for "Redis Cluster's node $node" redis_answers -p "$port"
        ports+=("$port")
    done
    nodes="$(printf ',127.0.0.1:%s' "${ports[@]}")"
    # shellcheck disable=SC2086
    REDISCLI_AUTH="$redis_password" redis-cli --cluster create ${nodes//,/ } --cluster-yes >"$directory/cluster.log" 2>&1
    wait_for 'Redis Cluster' redis_cluster_is_whole "${ports[@]}"
    printf 'export STUDIO_TEST_REDIS_CLUSTER=redis://:%s@%s\n' "$redis_password" "${nodes#,}" >>"$state/environment"
    port="$(cat "$directory/port")"
    say "Redis listens on 127.0.0.1:$port, over TLS on $tls, as a cluster on ${ports[*]}"
}

# Each node knows that every slot is served.
redis_cluster_is_whole() {
    local port
    for port in "$@"; do
        REDISCLI_AUTH="$redis_password" redis-cli -p "$port" cluster info | grep -q cluster_state:ok || return 1
    done
}

pause_redis() {
    local pid
    pid="$(cat "$state/redis/plain/pid")"
    kill -9 "$pid"
    # Where nobody collects it at once, a dead process is still listed, as a zombie.
    while grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$pid/status"; do sleep 0.05; done
}

resume_redis() {
    local port
    port="$(cat "$state/redis/port")"
    redis_node plain --port "$port"
    wait_for Redis redis_answers -p "$port"
}

freeze_redis() { kill -STOP "$(cat "$state/redis/plain/pid")"; }
thaw_redis() { kill -CONT "$(cat "$state/redis/plain/pid")"; }

stop_redis() {
    local pid
    for pid in "$state"/redis/*/pid; do
        if [ -f "$pid" ]; then kill -9 "$(cat "$pid")" 2>/dev/null || true; fi
    done
}
