# Directories that provision people (SCIM 2.0). A directory has no roles: it does one thing, which nobody
# else does, and neither makes an owner nor changes one.
package studio.access

import rego.v1

is_directory if input.actor.kind == "directory"

provisioning if input.action == "identity:directory:provision"

grants contains {"scope": "tenant", "reason": "a directory may provision the people of its organization"} if {
	is_directory
	provisioning
}

# Denials, so that no role and no further rule opens it: whoever could do this could be anybody.
denials contains "only a directory provisions people" if {
	provisioning
	not is_directory
}

denials contains "a directory does nothing but provision people" if {
	is_directory
	not provisioning
}

denials contains "a directory makes no owners and changes none" if {
	is_directory
	input.resource.attributes.rank == "owner"
}
