# What Studio's own parts may do. A process manager, consumer or scheduler is named
# "<subgraph>.<part>" and reacts within its own subgraph only: between subgraphs there are
# published events, never writes.
package studio.access

import rego.v1

grants contains {"scope": "tenant", "reason": "a part of Studio may act within its own subgraph"} if {
	input.actor.kind == "system"
	startswith(input.actor.name, concat("", [subgraph, "."]))
}
