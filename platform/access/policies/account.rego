# How somebody signs in is theirs alone to change: an owner's grant of everything stops here.
package studio.access

import rego.v1

own_account if input.action == "identity:account:update"

grants contains {"scope": "own", "reason": "everyone may change how they sign in themselves"} if {
	is_user
	count(input.actor.roles) > 0
	own_account
	own
}
