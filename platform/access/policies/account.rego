# How somebody signs in, or lets a program in for them, is theirs alone to change: an owner's grant of
# everything stops here.
package studio.access

import rego.v1

own_account if input.action in {
	"identity:account:update",
	"identity:app:allow",
	"identity:key:create",
	"identity:userinfo:read",
}

grants contains {"scope": "own", "reason": "everyone may change how they sign in themselves, and let keys and apps act for themselves"} if {
	is_user
	has_some_role
	own_account
	own
}
