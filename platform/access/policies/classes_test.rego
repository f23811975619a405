# What is read of each class. `studio policy test` runs this.
package studio.access_test

import rego.v1

of_class(roles, action, owner, class) := object.union(
	input_of(roles, action, owner),
	{"resource": {"data_class": class}},
)

scope_of(roles, action, owner, class) := decision.scope if {
	decision := data.studio.access.decision with input as of_class(roles, action, owner, class)
}

readings := ["documents:document:read", "evidence:evidence:read", "evidence:finding:read", "ai:answer:read"]

test_those_who_run_the_programme_read_every_class if {
	every role in ["owner", "admin", "compliance_manager"] {
		every action in readings {
			scope_of([role], action, "other", "restricted") == "tenant"
			scope_of([role], action, "none", "restricted") == "tenant"
		}
	}
}

test_others_read_what_is_restricted_where_they_brought_it_in if {
	every role in ["control_owner", "contributor", "auditor"] {
		every action in readings {
			scope_of([role], action, "other", "confidential") == "tenant"
			scope_of([role], action, "other", "restricted") == "none"
			scope_of([role], action, "nobody", "restricted") == "none"
			scope_of([role], action, "self", "restricted") == "own"
			scope_of([role], action, "none", "restricted") == "own"
		}
	}
}

test_a_viewer_reads_what_is_internal if {
	scope_of(["viewer"], "documents:document:read", "other", "internal") == "tenant"
	scope_of(["viewer"], "documents:document:read", "other", "confidential") == "none"
	scope_of(["viewer"], "documents:document:read", "self", "confidential") == "own"
	scope_of(["viewer", "auditor"], "documents:document:read", "other", "confidential") == "tenant"
}

test_a_class_opens_nothing_that_is_closed if {
	every class in ["public", "restricted"] {
		scope_of(["integrator"], "evidence:evidence:read", "self", class) == "none"
		scope_of([], "documents:document:read", "self", class) == "none"
		scope_of(["viewer"], "identity:audit:read", "self", class) == "none"
	}
}

test_whoever_may_not_edit_everything_does_not_declassify if {
	every action in ["documents:document:declassify", "evidence:evidence:declassify"] {
		every role in ["owner", "admin", "compliance_manager"] {
			scope_of([role], action, "other", "restricted") == "tenant"
		}
		every role in ["control_owner", "contributor", "auditor", "integrator", "viewer"] {
			scope_of([role], action, "self", "restricted") == "none"
		}
	}
}
