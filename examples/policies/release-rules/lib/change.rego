package lib.change

# Tickets by their form, as in PAY-7.
tickets contains ticket if {
	some ticket in input.change.tickets
	regex.match(`^[A-Z]+-[0-9]+$`, ticket)
}

team := input.change.labels.team
