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

# The operations of the Open Inference Protocol that pass the gateway.
methods := {"infer": "POST", "metadata": "GET", "ready": "GET"}

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
#   solution: Use infer (POST), metadata (GET) or ready (GET).
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

deny contains v if some v in site.request
