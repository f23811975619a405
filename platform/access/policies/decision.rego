# The entry point: what Studio asks, and how the rules' votes become one answer.
#
# The input holds no ids, on purpose: equal inputs have equal answers, so that an answer can be
# cached. It reads
#   actor:    kind ("user", "client", "directory" or "system"), name (of a system principal), roles
#             (sorted; with those of the project that the resource lies in), in_projects (whether they
#             have a role in some project, whichever), credential ("session", "api_key", "app",
#             "client" or "directory": by what it was let in; undefined for a system principal),
#             scopes (of a program: patterns of actions)
#   action:   "<subgraph>:<thing>:<verb>"
#   resource: kind, same_tenant (whether it belongs to the actor's organization),
#             owner ("self", "other", "nobody", or "none": a list, or a thing that is to be made),
#             data_class (how closely it is kept: "public", "internal", "confidential" or
#             "restricted"; undefined for what has no class),
#             attributes (rank, of a person whose roles are given or taken: "owner" where they are
#             one or would become one, else "member")
#   context:  mfa (whether the person signed in with more than one factor),
#             authenticated_within (the least of 5, 15, 60, 240, 720, 1440 minutes that the sign-in
#             is not older than; undefined where it is older, or not known), hour (0 to 23) and
#             weekday (1 for Monday to 7), both in UTC, networks (the names of those that the request
#             comes from, as the configuration names them)
# The rules vote in `grants` (objects of scope and reason) and `denials` (reasons).
package studio.access

import rego.v1

default decision := {"allow": false, "scope": "none", "reason": "no rule allows it"}

decision := {"allow": true, "scope": scope, "reason": concat("; ", sort([g.reason | some g in grants]))} if {
	count(denials) == 0
	count(grants) > 0
}

decision := {"allow": false, "scope": "none", "reason": concat("; ", sort(denials))} if {
	count(denials) > 0
}

# The widest scope that was granted.
scope := "tenant" if {
	some grant in grants
	grant.scope == "tenant"
} else := "own"

# The parts of the action.
subgraph := split(input.action, ":")[0]

verb := split(input.action, ":")[2]

# Tenancy stands above every role: nothing of another organization can be reached.
denials contains "it belongs to another organization" if {
	not input.resource.same_tenant
}
