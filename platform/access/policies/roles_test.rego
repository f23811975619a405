# What the roles are for, by examples; the whole table is docs/access.md. `studio policy test` runs this.
package studio.access_test

import rego.v1

allows(roles, action, owner) if decide(roles, action, owner).allow

rank_of(roles, action, rank) := object.union(
	input_of(roles, action, "other"),
	{"resource": {"attributes": {"rank": rank}}},
)

test_an_admin_does_everything_but_what_is_an_owners_alone if {
	allows(["admin"], "controls:project:create", "none")
	allows(["admin"], "identity:session:revoke", "other")
	not allows(["admin"], "identity:user:erase", "other")
}

test_only_an_owner_makes_owners if {
	every action in ["identity:user:create", "identity:user:update", "identity:invitation:create"] {
		data.studio.access.decision.allow with input as rank_of(["admin"], action, "member")
		not data.studio.access.decision.allow with input as rank_of(["admin"], action, "owner")
		not data.studio.access.decision.allow with input as rank_of(["admin", "viewer"], action, "owner")
		data.studio.access.decision.allow with input as rank_of(["admin", "owner"], action, "owner")
	}
}

test_a_compliance_manager_leaves_people_alone if {
	every action in ["controls:framework:adopt", "evidence:evidence:update", "documents:document:upload"] {
		allows(["compliance_manager"], action, "none")
	}
	every action in ["identity:user:create", "identity:user:update", "identity:user:erase"] {
		not allows(["compliance_manager"], action, "other")
	}
}

test_a_control_owner_changes_what_is_theirs if {
	allows(["control_owner"], "controls:control:update", "self")
	not allows(["control_owner"], "controls:control:update", "other")
	not allows(["control_owner"], "controls:control:update", "nobody")
	not allows(["control_owner"], "controls:mapping:create", "self")
}

test_a_contributor_hands_in if {
	allows(["contributor"], "evidence:run:ingest", "none")
	allows(["contributor"], "documents:document:upload", "none")
	not allows(["contributor"], "documents:document:update", "other")
}

test_an_auditor_changes_nothing if {
	every action in ["controls:score:read", "evidence:evidence:read", "documents:document:read"] {
		allows(["auditor"], action, "other")
	}
	not allows(["auditor"], "evidence:evidence:update", "other")
	not allows(["auditor"], "identity:session:read", "other")
}

test_an_integrator_reads_what_it_needs if {
	allows(["integrator"], "evidence:run:ingest", "none")
	allows(["integrator"], "identity:user:read", "self")
	not allows(["integrator"], "identity:user:read", "other")
	not allows(["integrator"], "controls:score:read", "none")
}
