# METADATA
# title: Request gate
# description: >-
#   May this caller do this to this model? Asked by the gateway for each request, after it has looked the
#   digest up in the quarantine table and proven who calls.
package proofhouse.request

import rego.v1

import data.proofhouse.reason
import data.proofhouse.shape
import data.proofhouse.site

# METADATA
# title: Request decision
# entrypoint: true
decision := judged if well_formed

decision := refused if not well_formed

refused := {
	"allow": false,
	"deny": reason.malformed(malformed),
	"warn": [],
	"waived": [],
	"evidence": [],
}

judged := {
	"allow": count(deny) == 0,
	"deny": deny,
	"warn": [],
	"waived": [],
	"evidence": [],
}

well_formed if {
	input.schema == "proofhouse.request/v1"
	count(malformed) == 0
}

malformed contains "input.schema" if not input.schema == "proofhouse.request/v1"

malformed contains path if {
	some path in shape.problems(input, "input", {
		"request": "record",
		"principal": "record",
		"model": "record",
		"body": "record",
		"guard": "record",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "request"), "request", {
		"now_ns": "count",
		"method": "name",
		"operation": "name",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "principal"), "principal", {
		"key_id": "name",
		"role": "name",
		"models": "list",
	})
}

malformed contains path if {
	models := shape.list(shape.part(input, "principal"), "models")
	some path in shape.element_problems(models, "principal.models", "name")
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "model"), "model", {
		"name": "name",
		"digest": "digest",
		"quarantined": "flag",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "body"), "body", {"bytes": "count", "max_bytes": "count"})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "guard"), "guard", {
		"read": "flag",
		"enforced": "flag",
		"verdict": "name",
		"segments": "count",
		"hits": "list",
		"attachments": "count",
		"attachments_pass": "flag",
	})
}

malformed contains path if {
	hits := shape.list(shape.part(input, "guard"), "hits")
	some path in shape.list_problems(hits, "guard.hits", {
		"origin": "name",
		"trust": "name",
		"verdict": "name",
		"score_milli": "count",
		"alarms": "list",
	})
}

malformed contains path if {
	hits := shape.list(shape.part(input, "guard"), "hits")
	some index, hit in hits
	place := concat("", ["guard.hits.", format_int(index, 10), ".alarms"])
	some path in shape.element_problems(shape.list(hit, "alarms"), place, "name")
}

# Findings that are announced are there.
malformed contains "guard.hits" if {
	verdict := shape.part(input, "guard").verdict
	not verdict in {"none", "benign"}
	count(shape.list(shape.part(input, "guard"), "hits")) == 0
}

# The operations that pass the gateway: those of the Open Inference Protocol, then those of chat.
methods := {
	"infer": "POST",
	"metadata": "GET",
	"ready": "GET",
	"chat": "POST",
	"messages": "POST",
	"models": "GET",
}

conversations := {"chat", "messages"}

# METADATA
# title: The model is quarantined
# description: The gateway refuses it before it asks; this rule holds even if it did not.
# custom:
#   code: request/quarantined
#   solution: Use another model until the quarantine is lifted.
deny contains v if {
	input.model.quarantined
	v := reason.final("request/quarantined", "critical", input.model.digest, "the model is quarantined")
}

# METADATA
# title: The role may not use this model
# description: A role lists the models it may use; "*" names all of them.
# custom:
#   code: request/model
#   solution: Ask the owner of the role to add the model.
deny contains v if {
	not input.model.name in input.principal.models
	not "*" in input.principal.models
	msg := concat("", ["role ", input.principal.role, " may not use model ", input.model.name])
	v := reason.final("request/model", "medium", input.model.name, msg)
}

# METADATA
# title: The operation is not offered
# description: Only operations on this list pass, each with its one method.
# custom:
#   code: request/operation
#   solution: Use infer, chat or messages (POST), metadata, ready or models (GET).
deny contains v if {
	not methods[input.request.operation] == input.request.method
	msg := concat("", [input.request.method, " ", input.request.operation, " is not offered"])
	v := reason.final("request/operation", "medium", input.request.operation, msg)
}

# METADATA
# title: The body is too large
# description: More bytes than the route takes.
# custom:
#   code: request/too-large
#   solution: Send fewer rows at a time.
deny contains v if {
	input.body.bytes > input.body.max_bytes
	v := reason.final("request/too-large", "low", input.model.name, "the body is larger than the route takes")
}

# METADATA
# title: The guard has not read the conversation
# description: The gateway lets the guard read before it asks; this rule holds even if it did not.
# custom:
#   code: guard/unread
#   solution: Send conversations through the gateway's chat routes.
deny contains v if {
	input.request.operation in conversations
	not input.guard.read
	v := reason.final("guard/unread", "high", input.model.name, "nobody has read this conversation")
}

deny contains v if {
	some hit in input.guard.hits
	hit.trust != "trusted"
	hit.verdict == "unread"
	v := reason.final("guard/unread", "high", hit.origin, "a text was not read: it is longer than the guard reads, or a detector failed")
}

# METADATA
# title: A text tries to direct the model
# description: >-
#   The detector's verdict about a text that is not the application's own. It lowers the noise; what tools may
#   do once such a text is in context is the boundary's to say, whatever a detector finds.
# custom:
#   code: guard/injection
#   solution: Take the text out. If it is harmless, report it, so that the detector learns.
deny contains v if {
	input.guard.enforced
	some hit in input.guard.hits
	hit.trust != "trusted"
	not hit.verdict in {"benign", "grey", "unread"}
	msg := concat("", ["a text from ", hit.origin, " tries to direct the model"])
	v := reason.final("guard/injection", "high", hit.origin, msg)
}

# METADATA
# title: A text hides something from its readers
# description: >-
#   Words in characters that people do not see and models read. Nobody writes them by accident. The guard's other
#   alarms add suspicion and refuse nothing.
# custom:
#   code: guard/hidden-text
#   solution: Send the text as people see it.
deny contains v if {
	input.guard.enforced
	some hit in input.guard.hits
	hit.trust != "trusted"
	"invisible-payload" in hit.alarms
	msg := concat("", ["a text from ", hit.origin, " hides words from its readers"])
	v := reason.final("guard/hidden-text", "high", hit.origin, msg)
}

# METADATA
# title: A part is no text
# description: Pictures, sound and files can hold instructions too, and nothing here reads them.
# custom:
#   code: guard/attachment
#   solution: Send text, or let attachments pass on this route.
deny contains v if {
	input.guard.attachments > 0
	not input.guard.attachments_pass
	v := reason.final("guard/attachment", "medium", input.model.name, "a part of the conversation is no text")
}

deny contains v if some v in site.request
