# What people may do, by role. docs/access.md holds the same as a table, written by hand; a test
# compares the two.
package studio.access

import rego.v1

is_user if input.actor.kind == "user"

has_role(role) if {
	is_user
	role in input.actor.roles
}

grants contains {"scope": "tenant", "reason": "an owner may do everything in the organization"} if {
	has_role("owner")
}

# Sessions are nobody else's affair: reading them is no part of reading the organization.
grants contains {"scope": "tenant", "reason": "a viewer may read everything in the organization"} if {
	has_role("viewer")
	verb == "read"
	not session_act
}

session_act if input.action in {"identity:session:read", "identity:session:revoke"}

# `owner` is "none" for a list: the scope "own" then narrows the list to the actor's own.
grants contains {"scope": "own", "reason": "everyone may see and end the own sessions"} if {
	is_user
	count(input.actor.roles) > 0
	session_act
	input.resource.owner != "other"
}
