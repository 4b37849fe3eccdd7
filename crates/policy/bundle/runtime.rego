# METADATA
# title: Runtime gate
# description: >-
#   A signal came from a running model: watch it, quarantine it or recall it? `allow` means that it may go
#   on serving. An input this gate cannot read is answered with quarantine: it stops the harm at once and,
#   unlike a recall, can be undone when it turns out that only the sensor was broken.
package proofhouse.runtime

import rego.v1

import data.proofhouse.reason
import data.proofhouse.shape

# METADATA
# title: Runtime decision
# entrypoint: true
decision := judged if well_formed

decision := refused if not well_formed

refused := {
	"allow": false,
	"action": "quarantine",
	"deny": reason.malformed(malformed),
	"warn": [],
	"waived": [],
	"evidence": [],
}

judged := {
	"allow": action == "watch",
	"action": action,
	"deny": deny,
	"warn": warn,
	"waived": [],
	"evidence": [input.signal.digest],
}

well_formed if {
	input.schema == "proofhouse.runtime/v1"
	count(malformed) == 0
}

malformed contains "input.schema" if not input.schema == "proofhouse.runtime/v1"

malformed contains path if {
	some path in shape.problems(input, "input", {
		"request": "record",
		"signal": "record",
		"system": "record",
		"recalled": "list",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "request"), "request", {"now_ns": "count", "environment": "name"})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "signal"), "signal", {
		"digest": "digest",
		"kind": "name",
		"severity": "severity",
		"model_digest": "digest",
		"details": "record",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(shape.part(input, "signal"), "details"), "signal.details", {
		"alarm": "flag",
		"columns": "list",
		"budget": "number",
		"observations": "count",
	})
}

malformed contains path if {
	details := shape.part(shape.part(input, "signal"), "details")
	some path in shape.element_problems(shape.list(details, "columns"), "signal.details.columns", "name")
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "system"), "system", {
		"digest": "digest",
		"value_at_risk": "number",
		"risk_appetite": "number",
		"has_fallback": "flag",
	})
}

malformed contains path if {
	some path in shape.element_problems(shape.list(input, "recalled"), "recalled", "digest")
}

# --- what the signal says -----------------------------------------------------------------------------

# Signals that speak about what the model is. No statistics can talk them down.
breach if input.signal.kind in {"integrity", "advisory", "compromise"}

over_appetite if input.system.value_at_risk > input.system.risk_appetite

# Signals that a test raised count as alarms only at a stated rate of false ones.
alarm if {
	input.signal.details.alarm
	input.signal.details.budget > 0
	input.signal.details.budget <= 0.1
}

# METADATA
# title: The model is already recalled
# description: It should not have been serving at all.
# custom:
#   code: runtime/recalled
#   solution: Finish the recall and find out why this instance still answered.
recall_reasons contains v if {
	input.signal.model_digest in input.recalled
	v := reason.final("runtime/recalled", "critical", input.signal.model_digest, "a recalled digest sent a signal")
}

# METADATA
# title: The model is not what it should be
# description: Its bytes changed, its supply chain broke or an advisory names it.
# custom:
#   code: runtime/breach
#   solution: Recall, keep the evidence, and release a repaired version.
recall_reasons contains v if {
	breach
	input.signal.severity in {"high", "critical"}
	msg := concat("", [input.signal.kind, " signal of severity ", input.signal.severity])
	v := reason.final("runtime/breach", input.signal.severity, input.signal.model_digest, msg)
}

# METADATA
# title: A critical alarm where more is at risk than was agreed
# description: The loss that may follow is over the system's risk appetite.
# custom:
#   code: runtime/critical-alarm
#   solution: Recall, find the cause in the columns named, train anew on current data and release again.
recall_reasons contains v if {
	alarm
	not breach
	input.signal.severity == "critical"
	over_appetite
	msg := concat("", ["critical ", input.signal.kind, " alarm in ", concat(", ", input.signal.details.columns)])
	v := reason.final("runtime/critical-alarm", "critical", input.signal.model_digest, msg)
}

# METADATA
# title: Doubt about what the model is
# description: A weaker sign that its bytes or its supply chain are not as released.
# custom:
#   code: runtime/doubt
#   solution: Verify the signature at every instance, then lift the quarantine or recall.
quarantine_reasons contains v if {
	breach
	not input.signal.severity in {"high", "critical"}
	msg := concat("", [input.signal.kind, " signal of severity ", input.signal.severity])
	v := reason.final("runtime/doubt", input.signal.severity, input.signal.model_digest, msg)
}

# METADATA
# title: A serious alarm
# description: The model no longer sees the population it was released for, and it can be done without.
# custom:
#   code: runtime/alarm
#   solution: Look into the columns named; lift the quarantine or recall.
quarantine_reasons contains v if {
	alarm
	not breach
	input.signal.severity in {"high", "critical"}
	stoppable
	msg := concat("", [
		input.signal.severity, " ", input.signal.kind, " alarm in ",
		concat(", ", input.signal.details.columns),
	])
	v := reason.final("runtime/alarm", input.signal.severity, input.signal.model_digest, msg)
}

quarantine_reasons contains v if {
	alarm
	not breach
	input.signal.severity == "medium"
	over_appetite
	msg := concat("", ["medium ", input.signal.kind, " alarm with more at risk than was agreed"])
	v := reason.final("runtime/alarm", "medium", input.signal.model_digest, msg)
}

# Stopping a model without a fallback is harm of its own: done where the harm of going on is larger.
stoppable if input.system.has_fallback

stoppable if over_appetite

stoppable if input.signal.severity == "critical"

action := "recall" if count(recall_reasons) > 0

else := "quarantine" if count(quarantine_reasons) > 0

else := "watch"

deny := recall_reasons | quarantine_reasons

warn contains v if {
	input.signal.details.alarm
	not alarm
	v := reason.final("runtime/weak-alarm", "low", input.signal.model_digest, "the alarm states no false-alarm budget of at most 0.1")
}

warn contains v if {
	alarm
	action == "watch"
	v := reason.final("runtime/alarm-watched", "medium", input.signal.model_digest, "the alarm does not reach the bar for quarantine")
}

warn contains v if {
	not input.system.has_fallback
	action != "watch"
	v := reason.final("runtime/no-fallback", "medium", input.system.digest, "the system has no fallback while this model is stopped")
}
