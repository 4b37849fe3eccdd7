# Threats in the release gate: each that applies is answered by evidence that names it, or by a waiver.

package proofhouse.release

import rego.v1

import data.proofhouse.reason

# METADATA
# title: The threat model is empty
# description: A system without threats is a system nobody looked at.
# custom:
#   code: threat-model/empty
#   solution: Derive the threats from the system file (proofhouse plan).
violations contains v if {
	count(input.threat_model.threats) == 0
	v := reason.final("threat-model/empty", "critical", input.threat_model.digest, "the threat model lists no threat")
}

# METADATA
# title: The threat model is of another system
# description: The system file changed since the threats were derived.
# custom:
#   code: threat-model/other-system
#   solution: Derive the threats again (proofhouse plan).
violations contains v if {
	input.threat_model.system_digest != input.system.digest
	msg := concat("", ["the threats were derived from ", input.threat_model.system_digest])
	v := reason.final("threat-model/other-system", "critical", input.threat_model.digest, msg)
}

applicable contains threat if {
	some threat in input.threat_model.threats
	threat.state != "not-applicable"
}

# Threats that tests must answer. An accepted threat is answered by its waiver instead.
to_test contains threat if {
	some threat in applicable
	threat.automatic
	threat.state != "accepted"
}

answers_a_threat(item) if {
	some threat in to_test
	threat.id in item.threats
	item.check in threat.required_checks
}

answers(threat, check) := {item |
	some item in usable
	item.check == check
	threat.id in item.threats
}

# METADATA
# title: A threat is untested
# description: A check that this threat calls for has no usable evidence.
# custom:
#   code: threat/untested
#   solution: Run the check (proofhouse assess), or record a waiver that two people stand for.
violations contains v if {
	some threat in to_test
	some check in threat.required_checks
	count(answers(threat, check)) == 0
	msg := concat("", ["no usable evidence of ", check, " for ", threat.id])
	v := reason.waivable("threat/untested", threat.severity, threat.id, msg)
}

violations contains v if {
	some threat in to_test
	count(threat.required_checks) == 0
	msg := concat("", [threat.id, " is to be tested by machine and names no check"])
	v := reason.waivable("threat/untested", threat.severity, threat.id, msg)
}

# METADATA
# title: A threat's test failed
# description: The model does not withstand this threat to the stated criterion.
# custom:
#   code: threat/failed
#   solution: Harden the model or the system against it and run the check again.
violations contains v if {
	some threat in to_test
	some check in threat.required_checks
	some item in answers(threat, check)
	item.verdict == "fail"
	msg := concat("", [check, " failed for ", threat.id, "; what should hold: ", item.criterion])
	v := reason.waivable("threat/failed", threat.severity, threat.id, msg)
}

# METADATA
# title: A threat's test could not tell
# description: Not knowing is no pass.
# custom:
#   code: threat/inconclusive
#   solution: Give the check what it lacked, such as more data, and run it again.
violations contains v if {
	some threat in to_test
	some check in threat.required_checks
	some item in answers(threat, check)
	item.verdict == "unknown"
	msg := concat("", [check, " could not tell for ", threat.id, ": ", item.criterion])
	v := reason.waivable("threat/inconclusive", threat.severity, threat.id, msg)
}

# METADATA
# title: A threat is accepted without a waiver
# description: Acceptance is a decision of two people with an end, not a word in a table.
# custom:
#   code: threat/accepted
#   solution: Record a waiver for this threat with owner, approver, reason and expiry.
violations contains v if {
	some threat in applicable
	threat.state == "accepted"
	msg := concat("", [threat.id, " is accepted; acceptance needs a live waiver"])
	v := reason.waivable("threat/accepted", threat.severity, threat.id, msg)
}

# METADATA
# title: It is not known whether a serious threat applies
# description: The system file lacks the facts to tell.
# custom:
#   code: threat/unknown
#   solution: Complete the system file and derive the threats again.
violations contains v if {
	some threat in applicable
	threat.state == "unknown"
	threat.severity in {"high", "critical"}
	msg := concat("", ["it is not known whether ", threat.id, " applies"])
	v := reason.waivable("threat/unknown", threat.severity, threat.id, msg)
}
