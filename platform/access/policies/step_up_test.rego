# What wants a fresh sign-in. `studio policy test` runs this.
package studio.access_test

import rego.v1

of_session(roles, action, rank, minutes) := object.union(
	input_of(roles, action, "other"),
	{
		"actor": {"credential": "session"},
		"resource": {"attributes": {"rank": rank}},
		"context": {"authenticated_within": minutes},
	},
)

test_what_cannot_be_undone_wants_a_fresh_sign_in if {
	data.studio.access.decision.allow with input as of_session(["owner"], "identity:user:erase", "member", 15)
	late := data.studio.access.decision with input as of_session(["owner"], "identity:user:erase", "member", 60)
	not late.allow
	startswith(late.reason, "sign in again")
}

test_owners_are_made_and_changed_by_whoever_just_signed_in if {
	every action in ["identity:user:create", "identity:user:update", "identity:invitation:create"] {
		data.studio.access.decision.allow with input as of_session(["owner"], action, "owner", 5)
		not data.studio.access.decision.allow with input as of_session(["owner"], action, "owner", 60)
		data.studio.access.decision.allow with input as of_session(["admin"], action, "member", 1440)
	}
}

test_a_sign_in_of_which_nothing_is_known_is_not_fresh if {
	unknown := object.remove(of_session(["owner"], "identity:client:create", "member", 5), ["context"])
	not data.studio.access.decision.allow with input as unknown
}
