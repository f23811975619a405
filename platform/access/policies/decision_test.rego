# How votes become one answer. `studio policy test` runs this.
package studio.access_test

import rego.v1

# Somebody of these roles who asks for an action on a list, a thing that is to be made, or a thing of
# somebody ("self", "other", "nobody").
input_of(roles, action, owner) := {
	"actor": {"kind": "user", "name": "", "roles": roles},
	"action": action,
	"resource": {"kind": "Thing", "same_tenant": true, "owner": owner, "attributes": {}},
	"context": {"mfa": false},
}

decide(roles, action, owner) := decision if {
	decision := data.studio.access.decision with input as input_of(roles, action, owner)
}

test_nothing_is_allowed_by_default if {
	decision := decide([], "controls:control:read", "none")
	decision == {"allow": false, "scope": "none", "reason": "no rule allows it"}
}

test_a_denial_stands_above_every_grant if {
	abroad := {"resource": {"same_tenant": false}}
	asked := object.union(input_of(["owner"], "controls:control:read", "none"), abroad)
	decision := data.studio.access.decision with input as asked
	not decision.allow
	decision.scope == "none"
	decision.reason == "it belongs to another organization"
}

test_the_widest_scope_counts if {
	both := decide(["viewer", "owner"], "identity:session:read", "none")
	both.scope == "tenant"
	one := decide(["viewer"], "identity:session:read", "none")
	one.scope == "own"
}

test_reasons_are_told_together if {
	decision := decide(["admin", "owner"], "controls:control:read", "none")
	contains(decision.reason, "an owner may")
	contains(decision.reason, "; ")
}

test_a_part_of_studio_acts_within_its_subgraph if {
	part := {"actor": {"kind": "system", "name": "controls.process_manager", "roles": []}}
	home := object.union(input_of([], "controls:test:record", "none"), part)
	data.studio.access.decision.allow with input as home
	abroad := object.union(input_of([], "evidence:run:read", "none"), part)
	not data.studio.access.decision.allow with input as abroad
}
