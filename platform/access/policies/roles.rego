# What people may do, by role. docs/access.md holds the same as a table, written by hand; a test
# compares the two.
package studio.access

import rego.v1

is_user if input.actor.kind == "user"

has_role(role) if {
	input.actor.kind in {"user", "client"}
	role in input.actor.roles
}

grants contains {"scope": "tenant", "reason": "an owner may do everything in the organization"} if {
	has_role("owner")
	not own_account
}

grants contains {"scope": "tenant", "reason": "an admin may do everything but what is an owner's alone"} if {
	has_role("admin")
	not input.action == "identity:user:erase"
	not own_account
}

# A denial, so that no other role and no further rule opens it: whoever could make owners would be one.
denials contains "only an owner may make, change or remove an owner" if {
	input.actor.kind in {"user", "client"}
	input.action in {
		"identity:client:create",
		"identity:invitation:create",
		"identity:invitation:revoke",
		"identity:user:create",
		"identity:user:update",
	}
	input.resource.attributes.rank == "owner"
	not has_role("owner")
}

grants contains {"scope": "tenant", "reason": "a compliance manager may do everything about controls, evidence and documents"} if {
	has_role("compliance_manager")
	subgraph in {"controls", "evidence", "documents", "ai"}
}

readers := {"compliance_manager", "control_owner", "contributor", "auditor", "viewer"}

# Sessions, and what somebody may do, are nobody else's affair: reading them is no part of reading the
# organization.
grants contains {"scope": "tenant", "reason": reason} if {
	some role in readers
	has_role(role)
	verb == "read"
	not about_one
	not about_programs
	not about_invitations
	not audit_act
	cleared(role)
	reason := sprintf("the role %s may read everything in the organization", [role])
}

# "none" stands for a list, or for a thing that is to be made: the scope "own" then narrows it to the
# actor's own. What belongs to nobody is nobody's own, and a program of the organization owns nothing.
own if {
	is_user
	input.resource.owner in {"self", "none"}
}

grants contains {"scope": "own", "reason": "a control owner may change the controls that are theirs, and their tests"} if {
	has_role("control_owner")
	input.action in {
		"controls:control:update",
		"controls:nonconformity:correct",
		"controls:test:create",
		"controls:test:record",
		"controls:test:update",
	}
	own
}

# A proposal counts for nothing until somebody else approves it.
grants contains {"scope": "tenant", "reason": "a control owner may propose exceptions"} if {
	has_role("control_owner")
	input.action == "controls:exception:propose"
}

grants contains {"scope": "own", "reason": reason} if {
	some role in {"control_owner", "contributor"}
	has_role(role)
	input.action in {"documents:document:upload", "documents:document:update"}
	own
	reason := sprintf("the role %s may upload documents and change the own", [role])
}

grants contains {"scope": "tenant", "reason": "a contributor may bring evidence in"} if {
	has_role("contributor")
	input.action == "evidence:run:ingest"
}

grants contains {"scope": "tenant", "reason": "an integrator may bring scans and documents in, and read what that needs"} if {
	has_role("integrator")
	input.action in {
		"controls:project:read",
		"documents:document:read",
		"documents:document:upload",
		"evidence:run:ingest",
		"evidence:run:read",
		"identity:organization:read",
	}
	cleared("integrator")
}

grants contains {"scope": "own", "reason": "everyone may see the own account and teams, and take out what is known of them"} if {
	is_user
	has_some_role
	input.action in {"identity:team:read", "identity:user:read", "identity:user:export"}
	own
}

about_one if session_act

about_one if input.action == "identity:policy:read"

grants contains {"scope": "own", "reason": "everyone may ask what they may do"} if {
	is_user
	has_some_role
	input.action == "identity:policy:read"
	own
}

grants contains {"scope": "tenant", "reason": "an auditor may read the audit log"} if {
	has_role("auditor")
	audit_act
}

# Who did what is for those who run the organization and those who look at it from outside.
audit_act if input.action == "identity:audit:read"

session_act if input.action in {"identity:session:read", "identity:session:revoke"}

about_one if key_act

about_one if own_account

key_act if input.action in {
	"identity:app:read",
	"identity:app:revoke",
	"identity:key:read",
	"identity:key:revoke",
}

# The programs and directories of the organization, and whom it has invited, are for those who run it.
about_programs if input.action in {"identity:client:read", "identity:directory:read"}

about_invitations if input.action == "identity:invitation:read"

grants contains {"scope": "own", "reason": "everyone may see and revoke the own keys, and what apps may do for them"} if {
	is_user
	has_some_role
	key_act
	own
}

grants contains {"scope": "own", "reason": "everyone may see and end the own sessions"} if {
	is_user
	has_some_role
	session_act
	own
}
