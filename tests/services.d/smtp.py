"""A mail server for tests: takes mails and writes each into a file, as JSON.

Usage: smtp.py FOLDER STARTTLS_PORT TLS_PORT PLAIN_PORT CERTIFICATE KEY

The first two ports want "studio" and "correct-horse". Mail to refused@… is refused for good, and no
mail is delivered anywhere.
"""

import email
import email.policy
import hmac
import json
import os
import signal
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

FOLDER, STARTTLS, TLS, PLAIN, CERTIFICATE, KEY = sys.argv[1:]
MANY = ("bcc", "cc", "to", "from", "subject", "message-id")


class Take:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return f"550 5.1.1 <{address}> is nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        taken = {
            "envelope_from": envelope.mail_from,
            "envelope_to": envelope.rcpt_tos,
            "headers": {name: [str(it) for it in message.get_all(name, [])] for name in MANY},
            "text": message.get_body().get_content(),
            "encrypted": session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            "signed_in": bool(session.authenticated),
        }
        path = os.path.join(FOLDER, f"{time.time_ns()}")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(taken, file)
        # Whoever looks sees whole files alone.
        os.rename(path, path + ".json")
        return "250 taken"


def known(server, session, envelope, mechanism, data):
    right = data.login == b"studio" and hmac.compare_digest(data.password, b"correct-horse")
    return AuthResult(success=right, handled=False)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
asked = {"authenticator": known, "auth_required": True}
controllers = [
    Controller(Take(), "127.0.0.1", int(STARTTLS), tls_context=context, require_starttls=True, **asked),
    Controller(Take(), "127.0.0.1", int(TLS), ssl_context=context, auth_require_tls=False, **asked),
    Controller(Take(), "127.0.0.1", int(PLAIN)),
]
for controller in controllers:
    controller.start()
signal.sigwait({signal.SIGTERM, signal.SIGINT})
for controller in controllers:
    controller.stop()
