# Roles in single projects. What lies in a project is asked about with the roles there besides those of
# the organization, so the other rules need to know nothing of it. What the organization has as a whole is
# asked about with its own roles alone; this is the little of it that comes with any role in a project.
package studio.access

import rego.v1

# Whether somebody may do anything at all: a role in some project is enough for what is their own.
has_some_role if count(input.actor.roles) > 0

has_some_role if input.actor.in_projects == true

grants contains {"scope": "tenant", "reason": "whoever has a role in a project may see the organization's name and its frameworks"} if {
	input.actor.kind in {"user", "client"}
	input.actor.in_projects == true
	input.action in {"controls:framework:read", "identity:organization:read"}
}
