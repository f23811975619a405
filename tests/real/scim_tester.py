"""Checks the server of SCIM 2.0 at the address of the first argument, with the token of the second: prints a line
for each check, and fails where one does. The checks draw names at random; here they are addresses of example.org,
as a directory that may vouch for these has them."""

import sys
import uuid

import scim2_tester.filling as filling
from httpx import Client
from scim2_client.engines.httpx import SyncSCIMClient
from scim2_tester import Status, check_server

drawn = filling.generate_random_value


def draw(context, path, mutability=None, required=None):
    value = drawn(context, path, mutability, required)
    if isinstance(value, str) and str(path).endswith(("userName", "emails.value")):
        return f"{uuid.uuid4()}@example.org"
    return value


filling.generate_random_value = draw
for module in list(sys.modules.values()):
    if getattr(module, "generate_random_value", None) is drawn:
        module.generate_random_value = draw

headers = {"Authorization": f"Bearer {sys.argv[2]}"}
client = SyncSCIMClient(Client(base_url=sys.argv[1], headers=headers, trust_env=False))
results = check_server(client)
for result in results:
    print(result.status.name, result.title, result.resource_type or "", (result.reason or "").replace("\n", " "))
failed = {Status.ERROR, Status.CRITICAL} if hasattr(Status, "CRITICAL") else {Status.ERROR}
sys.exit(1 if any(result.status in failed for result in results) else 0)
