# Certificates for the servers that speak TLS: an authority of the tests' own, made anew for each
# start, as people run who have their own. It starts nothing.

# certificate NAME: makes $state/tls/NAME.crt and NAME.key, valid for localhost and 127.0.0.1 and
# signed by $state/tls/ca.crt.
certificate() {
    local name="$1" directory="$state/tls"
    command -v openssl >/dev/null || debian openssl
    mkdir -p "$directory"
    if [ ! -f "$directory/ca.crt" ]; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
            -subj "/CN=Studio's test authority" -addext "basicConstraints=critical,CA:TRUE" \
            -addext "keyUsage=critical,keyCertSign" \
            -keyout "$directory/ca.key" -out "$directory/ca.crt" 2>>"$state/tls.log"
    fi
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=localhost" \
        -keyout "$directory/$name.key" -out "$directory/$name.csr" 2>>"$state/tls.log"
    openssl x509 -req -in "$directory/$name.csr" -CA "$directory/ca.crt" -CAkey "$directory/ca.key" \
        -CAcreateserial -days 30 -out "$directory/$name.crt" \
        -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n') \
        2>>"$state/tls.log"
    rm "$directory/$name.csr"
    chmod 600 "$directory/$name.key"
}
