# An operator's rules that use as much of the language as such rules do.
package studio.access

import rego.v1

quiet := {"controls", "documents"}

fresh(minutes) if {
	input.context.mfa
	input.context.authenticated_within <= minutes
}

changes if {
	verb != "read"
	verb != "record"
}

denials contains sprintf("changes of %s need a sign-in of the last %d minutes", [subgraph, 60]) if {
	is_user
	changes
	subgraph in quiet
	not fresh(60)
}

denials contains "nobody holds more than two roles here" if count({role | some role in input.actor.roles}) > 2

denials contains reason if {
	some attribute, value in input.resource
	attribute == "data_class"
	value in {"confidential", "restricted"}
	not has_role("owner")
	reason := concat(" ", ["what is", upper(value), "is an owner's to see"])
}

grants contains {"scope": scope_of(input.resource.owner), "reason": "contributors look after their own"} if {
	has_role("contributor")
	startswith(input.action, "evidence:")
	regex.match(`:(read|update)$`, input.action)
}

scope_of(owner) := "own" if {
	owner in {"self", "none"}
} else := "tenant" if {
	owner == "nobody"
}

grants contains {"scope": "tenant", "reason": "all of these roles together"} if {
	every role in ["auditor", "integrator"] {
		role in input.actor.roles
	}
}
