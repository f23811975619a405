# What a directory does. `studio policy test` runs this.
package studio.access_test

import rego.v1

of_directory(action, rank) := object.union(
	input_of([], action, "other"),
	{
		"actor": {"kind": "directory", "credential": "directory"},
		"resource": {"attributes": {"rank": rank}},
	},
)

test_a_directory_provisions_and_does_nothing_else if {
	data.studio.access.decision.allow with input as of_directory("identity:directory:provision", "member")
	every action in ["identity:user:create", "identity:user:update", "identity:user:read", "controls:control:read"] {
		not data.studio.access.decision.allow with input as of_directory(action, "member")
	}
}

test_a_directory_leaves_owners_alone if {
	not data.studio.access.decision.allow with input as of_directory("identity:directory:provision", "owner")
}

test_nobody_else_provisions if {
	every role in ["owner", "admin", "viewer"] {
		not allows([role], "identity:directory:provision", "other")
	}
	part := {"actor": {"kind": "system", "name": "identity.oidc", "roles": []}}
	asked := object.union(input_of([], "identity:directory:provision", "other"), part)
	not data.studio.access.decision.allow with input as asked
}

test_those_who_run_it_connect_directories if {
	every action in ["identity:directory:manage", "identity:directory:read"] {
		allows(["owner"], action, "none")
		allows(["admin"], action, "none")
		not allows(["viewer"], action, "none")
		not allows(["auditor"], action, "none")
	}
}
