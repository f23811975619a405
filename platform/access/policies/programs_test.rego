# How far programs go. `studio policy test` runs this.
package studio.access_test

import rego.v1

of_key(roles, action, scopes) := object.union(
	input_of(roles, action, "none"),
	{"actor": {"credential": "api_key", "scopes": scopes}},
)

of_app(roles, action, scopes) := object.union(
	input_of(roles, action, "none"),
	{"actor": {"credential": "app", "scopes": scopes}},
)

of_client(roles, action, scopes) := object.union(
	input_of(roles, action, "none"),
	{"actor": {"kind": "client", "credential": "client", "scopes": scopes}},
)

test_a_key_does_what_its_scopes_and_its_person_may if {
	data.studio.access.decision.allow with input as of_key(["viewer"], "controls:control:read", ["controls:*:read"])
	data.studio.access.decision.allow with input as of_key(["viewer"], "controls:control:read", ["ai:*:*", "*:*:read"])
	not data.studio.access.decision.allow with input as of_key(["viewer"], "controls:control:update", ["*:*:*"])
	not data.studio.access.decision.allow with input as of_key(["owner"], "controls:control:update", ["*:*:read"])
	not data.studio.access.decision.allow with input as of_key(["owner"], "controls:control:read", ["evidence:*:read"])
	not data.studio.access.decision.allow with input as of_key(["owner"], "controls:control:read", ["controls:*"])
	not data.studio.access.decision.allow with input as of_key(["owner"], "controls:control:read", [])
}

test_an_app_does_what_was_allowed_and_its_person_may if {
	data.studio.access.decision.allow with input as of_app(["viewer"], "controls:control:read", ["controls:*:read"])
	not data.studio.access.decision.allow with input as of_app(["viewer"], "controls:control:update", ["*:*:*"])
	not data.studio.access.decision.allow with input as of_app(["owner"], "controls:control:update", ["*:*:read"])
	not data.studio.access.decision.allow with input as of_app([], "controls:control:read", ["*:*:*"])
}

test_a_client_has_roles_of_its_own if {
	data.studio.access.decision.allow with input as of_client(["integrator"], "evidence:run:ingest", ["evidence:*:*"])
	not data.studio.access.decision.allow with input as of_client(["integrator"], "controls:score:read", ["*:*:*"])
	not data.studio.access.decision.allow with input as of_client([], "evidence:run:ingest", ["*:*:*"])
}

test_no_program_makes_itself_stronger if {
	every action in ["identity:key:create", "identity:user:create", "identity:user:update", "identity:session:revoke", "identity:app:allow"] {
		not data.studio.access.decision.allow with input as of_app(["owner"], action, ["*:*:*", action])
		not data.studio.access.decision.allow with input as of_key(["owner"], action, ["*:*:*", action])
		not data.studio.access.decision.allow with input as of_client(["owner"], action, ["*:*:*", action])
	}
}
