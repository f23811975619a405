# Data classes: how closely a document or evidence is kept, and what is read of it. An owner, an admin and a
# compliance manager read every class; whoever brought something in reads it, of whatever class it is.
package studio.access

import rego.v1

class_rank := {"public": 0, "internal": 1, "confidential": 2, "restricted": 3}

# The highest class that a role reads of what others brought in.
clearances := {
	"compliance_manager": "restricted",
	"control_owner": "confidential",
	"contributor": "confidential",
	"auditor": "confidential",
	"integrator": "confidential",
	"viewer": "internal",
}

# What has no class is open to whoever may read things of its kind.
cleared(_) if not input.resource.data_class

cleared(_) if verb != "read"

cleared(role) if class_rank[input.resource.data_class] <= class_rank[clearances[role]]

# These are no denials, so that a rule that is added can open a class to a role, and what somebody may not
# read is refused in the words for what does not exist.
grants contains {"scope": "own", "reason": "whoever brought something in may read it, of whatever class it is"} if {
	input.resource.data_class
	reads_things_of_classes
	own
}

reads_things_of_classes if {
	subgraph in {"ai", "documents", "evidence"}
	verb == "read"
	some role in readers
	has_role(role)
}

reads_things_of_classes if {
	input.action in {"documents:document:read", "evidence:run:read"}
	has_role("integrator")
}
