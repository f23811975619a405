# What cannot be undone, and what lets somebody else in for good, wants a sign-in of the last minutes: a
# browser that was left open, or a stolen token, is not enough for it.
package studio.access

import rego.v1

dangerous if input.action in {
	"identity:client:create",
	"identity:directory:manage",
	"identity:user:erase",
}

# Making an owner, changing one or removing one.
dangerous if {
	input.action in {"identity:invitation:create", "identity:user:create", "identity:user:update"}
	input.resource.attributes.rank == "owner"
}

just_signed_in if input.context.authenticated_within <= 15

denials contains "sign in again: for this it must not be longer ago than 15 minutes" if {
	input.actor.credential == "session"
	dangerous
	not just_signed_in
}
