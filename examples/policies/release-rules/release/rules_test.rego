package release_test

import data.release

promotion(change) := {
	"release": {"version": "1.4.0"},
	"change": change,
	"stage": {"name": "production"},
	"evidence": [],
	"risk": {"level": "low"},
}

good := {"breaking": false, "labels": {"team": "payments"}, "tickets": ["PAY-7"]}

test_a_release_with_ticket_and_team_passes if {
	count(release.deny) == 0 with input as promotion(good)
	count(release.violation) == 0 with input as promotion(good)
	count(release.warn) == 0 with input as promotion(good)
}

test_production_asks_for_a_ticket if {
	some msg in release.deny with input as promotion(object.union(good, {"tickets": ["soon"]}))
	contains(msg, "1.4.0 brings no ticket")
}

test_other_stages_ask_for_none if {
	elsewhere := object.union(promotion(object.union(good, {"tickets": []})), {"stage": {"name": "dev"}})
	count(release.deny) == 0 with input as elsewhere
}

test_the_team_is_one_that_we_know if {
	some found in release.deny with input as promotion(object.union(good, {"labels": {"team": "nobody"}}))
	found.effective_on == "2027-01-01T00:00:00Z"
}

test_what_could_not_be_read_is_denied if {
	broken := {"id": "sha256:0", "format": "junit", "errored": "the file ends early"}
	some found in release.violation with input as object.union(promotion(good), {"evidence": [broken]})
	found.evidence == "sha256:0"
}

test_a_breaking_change_is_told_of if {
	release.warn["a breaking change of low risk is rare"] with input as promotion(object.union(good, {"breaking": true}))
}
