# Programs: those that act for a person, by a key of theirs ("api_key") or because they allowed it ("app"),
# and those that the organization gave access of their own ("client"). Scopes only narrow: what a program may do is what its roles, or
# those of its person at that moment, allow, as far as its scopes reach.
package studio.access

import rego.v1

is_program if input.actor.credential in {"api_key", "app", "client"}

denials contains "its scopes do not reach that far" if {
	is_program
	not in_scope
}

in_scope if {
	some reach in input.actor.scopes
	pattern := split(reach, ":")
	parts := split(input.action, ":")
	count(pattern) == count(parts)
	every i, part in pattern {
		part in {"*", parts[i]}
	}
}

# By any of these a program could let somebody in, or become able to do more than it was made for.
denials contains "no program changes who gets in, and what people and programs may do" if {
	is_program
	input.action in {
		"identity:account:update",
		"identity:app:allow",
		"identity:app:revoke",
		"identity:client:create",
		"identity:client:revoke",
		"identity:directory:manage",
		"identity:directory:provision",
		"identity:invitation:create",
		"identity:invitation:revoke",
		"identity:key:create",
		"identity:key:revoke",
		"identity:session:read",
		"identity:session:revoke",
		"identity:team:update",
		"identity:user:create",
		"identity:user:erase",
		"identity:user:export",
		"identity:user:update",
	}
}
