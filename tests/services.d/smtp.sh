# A mail server: aiosmtpd, from PyPI, which keeps what it takes as files. Sets STUDIO_TEST_SMTP, the folder
# of these files, and its ports on localhost: STUDIO_TEST_SMTP_STARTTLS and STUDIO_TEST_SMTP_TLS ask for
# "studio" and "correct-horse", STUDIO_TEST_SMTP_PLAIN for nothing. The authority of its certificate is in
# the file STUDIO_TEST_SMTP_CA.
# `pause` ends it, and `resume` starts it on the same ports.

smtp_home="$HOME/.cache/studio/venvs/aiosmtpd"
smtp_program="$(dirname "${BASH_SOURCE[0]}")/smtp.py"

start_smtp() {
    local directory="$state/smtp"
    if ! "$smtp_home/bin/python" -c 'import aiosmtpd' 2>/dev/null; then
        say "installing aiosmtpd"
        rm -rf "$smtp_home"
        mkdir -p "$(dirname "$smtp_home")"
        python3 -m venv "$smtp_home" >&2 || { debian python3-venv && python3 -m venv "$smtp_home" >&2; }
        "$smtp_home/bin/pip" install --quiet --disable-pip-version-check "aiosmtpd==1.4.6" >&2
    fi
    rm -rf "$directory"
    mkdir -p "$directory/mails"
    certificate smtp
    printf '%s\n' "$(free_port)" "$(free_port)" "$(free_port)" >"$directory/ports"
    resume_smtp
    local ports
    mapfile -t ports <"$directory/ports"
    {
        printf 'export STUDIO_TEST_SMTP=%s\n' "$directory/mails"
        printf 'export STUDIO_TEST_SMTP_STARTTLS=%s\n' "${ports[0]}"
        printf 'export STUDIO_TEST_SMTP_TLS=%s\n' "${ports[1]}"
        printf 'export STUDIO_TEST_SMTP_PLAIN=%s\n' "${ports[2]}"
        printf 'export STUDIO_TEST_SMTP_CA=%s\n' "$state/tls/ca.crt"
    } >>"$state/environment"
    say "a mail server listens on 127.0.0.1:${ports[0]}, ${ports[1]} (TLS) and ${ports[2]} (plain)"
}

smtp_answers() { python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)' "$1"; }

resume_smtp() {
    local directory="$state/smtp" ports
    mapfile -t ports <"$directory/ports"
    setsid "$smtp_home/bin/python" "$smtp_program" "$directory/mails" "${ports[@]}" \
        "$state/tls/smtp.crt" "$state/tls/smtp.key" >"$state/smtp.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$directory/pid"
    local port
    for port in "${ports[@]}"; do wait_for "the mail server" smtp_answers "$port"; done
}

pause_smtp() {
    local pid
    pid="$(cat "$state/smtp/pid")"
    kill -9 "$pid"
    while grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$pid/status"; do sleep 0.05; done
}

stop_smtp() {
    [ -f "$state/smtp/pid" ] || return 0
    kill -KILL "$(cat "$state/smtp/pid")" 2>/dev/null || true
    rm -f "$state/smtp/pid"
}
