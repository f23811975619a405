# How votes become one answer. `studio policy test` runs this.
package studio.access_test

import rego.v1

import data.studio.access

# Somebody of these roles who asks for an action on a list, a thing that is to be made, or a thing of
# somebody ("self", "other", "nobody").
input_of(roles, action, owner) := {
	"actor": {"kind": "user", "name": "", "roles": roles},
	"action": action,
	"resource": {"kind": "Thing", "same_tenant": true, "owner": owner, "attributes": {}},
	"context": {"mfa": false},
}

decide(roles, action, owner) := access.decision with input as input_of(roles, action, owner)

test_nothing_is_allowed_by_default if {
	decision := decide([], "controls:control:read", "none")
	decision == {"allow": false, "scope": "none", "reason": "no rule allows it"}
}

test_a_denial_stands_above_every_grant if {
	decision := access.decision with input as input_of(["owner"], "controls:control:read", "none")
		with input.resource.same_tenant as false
	not decision.allow
	decision.scope == "none"
	decision.reason == "it belongs to another organization"
}

test_the_widest_scope_counts if {
	decide(["viewer", "owner"], "identity:session:read", "none").scope == "tenant"
	decide(["viewer"], "identity:session:read", "none").scope == "own"
}

test_reasons_are_told_together if {
	reason := decide(["admin", "owner"], "controls:control:read", "none").reason
	contains(reason, "an owner may")
	contains(reason, "; an")
}

test_a_part_of_studio_acts_within_its_subgraph if {
	part := {"kind": "system", "name": "controls.process_manager", "roles": []}
	access.decision.allow with input as input_of([], "controls:test:record", "none")
		with input.actor as part
	not access.decision.allow with input as input_of([], "evidence:run:read", "none")
		with input.actor as part
}
