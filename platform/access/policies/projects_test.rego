# What a role in a project comes with. `studio policy test` runs this.
package studio.access_test

import rego.v1

# Somebody without a role of the organization who has one in a project.
in_projects(action, owner) := object.union(
	input_of([], action, owner),
	{"actor": {"in_projects": true}},
)

test_a_role_in_a_project_opens_little_of_the_organization if {
	data.studio.access.decision.allow with input as in_projects("identity:organization:read", "nobody")
	data.studio.access.decision.allow with input as in_projects("controls:framework:read", "none")
	every action in ["controls:project:read", "controls:framework:import", "identity:audit:read", "identity:client:read"] {
		not data.studio.access.decision.allow with input as in_projects(action, "none")
	}
}

test_whoever_has_a_role_in_a_project_has_an_account if {
	every action in ["identity:user:read", "identity:session:revoke", "identity:account:update", "identity:key:create"] {
		data.studio.access.decision.allow with input as in_projects(action, "self")
		not data.studio.access.decision.allow with input as in_projects(action, "other")
		not data.studio.access.decision.allow with input as input_of([], action, "self")
	}
}
