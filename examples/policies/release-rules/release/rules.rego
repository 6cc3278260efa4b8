# What every release must keep to, whatever its pipeline.
package release

import data.lib.change
import data.settings

# The change is written down where its users look for it.
deny contains msg if {
	input.stage.name in settings.protected_stages
	count(change.tickets) == 0
	msg := sprintf("%v brings no ticket, and %v asks for one", [input.release.version, input.stage.name])
}

# A denial with a date only warns until then.
deny contains {"msg": msg, "effective_on": "2027-01-01T00:00:00Z"} if {
	not change.team in settings.teams
	msg := "the label `team` names no team that we know"
}

# What could not be read is not taken for good news.
violation contains {"msg": msg, "evidence": evidence.id} if {
	some evidence in input.evidence
	msg := sprintf("evidence `%v` could not be read: %v", [evidence.format, evidence.errored])
}

warn contains msg if {
	input.change.breaking
	input.risk.level in {"low", "medium"}
	msg := sprintf("a breaking change of %v risk is rare", [input.risk.level])
}
